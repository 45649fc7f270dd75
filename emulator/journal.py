"""The journal: the append-only record of everything that happened, in order.

Service events, explanations, charts, checks and live streams read it. An entry is written in the transaction of the change
it tells of, so that neither exists without the other; watchers learn of it once it is committed. Calls that only read are
the one exception: their entries are kept in memory for a moment and written together, because a transaction each would
cost more than the answer.

The journal does not grow without end (`Retention`). What is too old goes a little at a time, in proportion to what came
since, so that what trimming costs depends on the work and not on how much is stored.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from emulator.state.appending import append, insert_rows
from emulator.state.journal import DecisionRow, JournalRow
from emulator.state.store import Store, after_commit

_IDLE_STEP = 200
"""Entries that one step of trimming looks at where nothing was written since the last."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the journal is kept: what is beyond either bound goes."""

    entries: int = 200_000
    """The newest so many; about 100 MB with their indexes."""
    age: timedelta = timedelta(days=30)
    """On the emulator's clock."""


class Kind(StrEnum):
    """What an entry tells of."""

    API_CALL = "api_call"
    STATE_CHANGE = "state_change"
    EVENT = "event"
    DECISION = "decision"
    FAULT = "fault"
    DENIAL = "denial"
    """A caller's policies do not let it do what it asked for (IAM on)."""


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

    def __init__(self, store: Store, retention: Retention | None = None) -> None:
        self._store = store
        self._retention = retention or Retention()
        self._written = 0
        """Entries since the last step of trimming."""
        self._unwritten: list[Entry] = []
        self._watchers: set[Callable[[Entry], None]] = set()

    def write(self, session: Session, entry: Entry) -> None:
        """Add `entry` in the transaction of `session`; watchers are told after the commit."""
        pending = session.info.get("ashore.journal")
        if pending is None:
            pending = session.info["ashore.journal"] = []
            after_commit(session, lambda: self._published(pending))
        pending.append(entry)
        self._written += 1
        append(session, JournalRow, _values(entry))

    def note(self, entry: Entry) -> None:
        """Add an entry that changes nothing (a reading call); `flush` writes it."""
        self._unwritten.append(entry)
        self._tell(entry)

    def flush(self) -> None:
        """Write what `note` collected."""
        if self._unwritten:
            entries, self._unwritten = self._unwritten, []
            self._written += len(entries)
            with self._store.begin() as session:
                insert_rows(session, JournalRow, [_values(entry) for entry in entries])

    def forget(self) -> None:
        """Drop what `note` collected, which tells of a state that is no more."""
        self._unwritten.clear()

    def trim(self, now: datetime) -> int:
        """Remove some of what is kept no longer, oldest first: up to twice as much as came since the last call, and a few.

        The record of a refusal goes with the entry that tells of it; a task's record goes with the task (the agent's work).
        """
        step, self._written = _IDLE_STEP + 2 * self._written, 0
        with self._store.begin() as session:
            first, newest = session.execute(select(_FIRST, _NEWEST)).one()
            if first is None:
                return 0
            # the journal is in the order of time, so the oldest entries by number are the oldest by the clock
            kept_from, oldest = newest - self._retention.entries + 1, now - self._retention.age
            columns = (JournalRow.seq, JournalRow.at, JournalRow.kind, JournalRow.subject, JournalRow.detail)
            oldest_first = select(*columns).order_by(JournalRow.seq)
            if first >= kept_from and session.execute(oldest_first.limit(1)).one().at >= oldest:
                return 0
            found = session.execute(oldest_first.limit(step))
            going = list(takewhile(lambda row: row.seq < kept_from or row.at < oldest, found))
            if going:
                last = going[-1].seq
                session.execute(delete(JournalRow).where(JournalRow.seq <= last), execution_options=_IN_BULK)
                refusals = [row.detail["decisionId"] for row in going if _is_refusal(row.kind, row.subject)]
                if refusals:
                    session.execute(delete(DecisionRow).where(DecisionRow.id.in_(refusals)), execution_options=_IN_BULK)
        return len(going)

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


_FIRST = select(func.min(JournalRow.seq)).scalar_subquery()
_NEWEST = select(func.max(JournalRow.seq)).scalar_subquery()
_IN_BULK = {"synchronize_session": False}


def _is_refusal(kind: str, subject: str) -> bool:
    """Whether an entry tells of a decision whose record no task takes along when it goes."""
    return kind == Kind.DECISION.value and ":task/" not in subject


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
