"""The journal: the append-only record of everything that happened, in order.

Service events, explanations, charts, checks and live streams read it. An entry is written in the transaction of the change
it tells of, so that neither exists without the other; watchers learn of it once it is committed. Calls that only read are
the one exception: their entries are kept in memory for a moment and written together, because a transaction each would
cost more than the answer.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from emulator.state.journal import JournalRow
from emulator.state.store import Store, after_commit


class Kind(StrEnum):
    """What an entry tells of."""

    API_CALL = "api_call"
    STATE_CHANGE = "state_change"
    EVENT = "event"
    DECISION = "decision"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at: datetime
    kind: Kind
    account: str
    region: str
    subject: str
    """What it happened to: an ARN, or `service:Operation` for a call."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    scope: str | None = None
    """The ARN that holds the subject (a task's service, a service's cluster)."""


class Journal:
    """Writes entries and tells watchers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unwritten: list[Entry] = []
        self._watchers: set[Callable[[Entry], None]] = set()

    def write(self, session: Session, entry: Entry) -> None:
        """Add `entry` in the transaction of `session`; watchers are told after the commit."""
        pending = session.info.get("ashore.journal")
        if pending is None:
            pending = session.info["ashore.journal"] = []
            after_commit(session, lambda: self._published(session.info.pop("ashore.journal")))
        pending.append(entry)
        session.add(_row(entry))

    def note(self, entry: Entry) -> None:
        """Add an entry that changes nothing (a reading call); `flush` writes it."""
        self._unwritten.append(entry)
        self._tell(entry)

    def flush(self) -> None:
        """Write what `note` collected."""
        if self._unwritten:
            entries, self._unwritten = self._unwritten, []
            with self._store.begin() as session:
                session.execute(insert(JournalRow), [_values(entry) for entry in entries])

    def watch(self, watcher: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `watcher` for each entry from now on; the function returned ends it."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    async def wait_for(self, matches: Callable[[Entry], bool]) -> Entry:
        """The next entry that `matches`."""
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()

        def watcher(entry: Entry) -> None:
            if not future.done() and matches(entry):
                future.set_result(entry)

        stop = self.watch(watcher)
        try:
            return await future
        finally:
            stop()

    def _published(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        for watcher in tuple(self._watchers):
            watcher(entry)


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "account": entry.account,
        "region": entry.region,
        "subject": entry.subject,
        "scope": entry.scope,
        "detail": dict(entry.detail),
    }


def _row(entry: Entry) -> JournalRow:
    return JournalRow(**_values(entry))
