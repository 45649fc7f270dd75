"""Answers made from rows, kept until one of those rows changes.

Clients poll: a waiter asks the same question a hundred times while nothing happens. A row says by `Base.memo_keys` which
kept answers depend on it; the session's own flushes tell which rows a transaction changed, so whoever changes a row cannot
forget them. Bulk statements are not seen here: rows with memo keys are changed through the ORM, or in its company.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.orm import Session

from emulator.state.base import Base

_KEPT = 2048
_CHANGED = "ashore.memo_changed"


class Memo:
    """Keeps answers by the memo key on which they depend. What it hands out is shared: callers must not change it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, dict[object, Any]] = OrderedDict()

    def known(self, session: Session, key: str, variant: object = None) -> Any | None:
        """The answer kept, if it still holds; the changes of this very transaction count."""
        session.flush()
        return self._kept.get(key, {}).get(variant)

    def keep(self, session: Session, key: str, answer: Any, variant: object = None) -> None:
        """Keep `answer` until a row with this memo key changes; not at all where this transaction changed one."""
        if key in _changed(session):
            return
        self._kept.setdefault(key, {})[variant] = answer
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def changed(self, session: Session, rows: Sequence[Base]) -> None:
        """Drop what depends on rows that were just written (a follower of the store)."""
        for row in rows:
            for key in row.memo_keys():
                _changed(session).add(key)
                self._kept.pop(key, None)

    def forget(self) -> None:
        """Drop everything."""
        self._kept.clear()


def _changed(session: Session) -> set[str]:
    """The memo keys that this transaction has changed; its answers may be rolled back, so they are not kept."""
    return cast("set[str]", session.info.setdefault(_CHANGED, set()))
