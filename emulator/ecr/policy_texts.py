"""The texts of policies by subject, remembered: every push and pull asks, and mostly there is none.

What is remembered goes as soon as any statement writes the table, and nothing is remembered until that transaction has
ended, so that neither a commit nor a rollback leaves a stale text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import event, select

from emulator.state.ecr_registry import PolicyRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from emulator.context import Context
    from emulator.state.store import Store

_MOST = 10_000
"""Subjects remembered at a time."""


class PolicyTexts:
    """The texts of one server."""

    def __init__(self, store: "Store") -> None:
        self._known: dict[str, str | None] = {}
        self._writing = False
        event.listen(store.engine, "before_cursor_execute", self._watch)
        event.listen(store.engine, "commit", self._end)
        event.listen(store.engine, "rollback", self._end)

    def of(self, session: "Session", subjects: Sequence[str]) -> dict[str, str]:
        """The policies that there are of `subjects`."""
        if session.new or session.dirty or session.deleted:
            session.flush()  # a policy may be among what is to be written
        missing = [subject for subject in subjects if subject not in self._known]
        found = {subject: self._known.get(subject) for subject in subjects}
        if missing:
            query = select(PolicyRow.subject, PolicyRow.text).where(PolicyRow.subject.in_(missing))
            found |= {row.subject: row.text for row in session.execute(query)}
            if len(self._known) > _MOST:
                self._known.clear()
            if not self._writing:
                self._known |= {subject: found[subject] for subject in missing}
        return {subject: text for subject, text in found.items() if text is not None}

    def _watch(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if PolicyRow.__tablename__ in statement and not statement.startswith("SELECT"):
            self._writing = True
            self._known.clear()

    def _end(self, _connection: object) -> None:
        self._writing = False


_OF_STORE: "WeakKeyDictionary[Store, PolicyTexts]" = WeakKeyDictionary()


def policy_texts(context: "Context", *subjects: str) -> dict[str, str]:
    """The policies that there are of `subjects`."""
    store = context.emulator.store
    texts = _OF_STORE.get(store)
    if texts is None:
        texts = _OF_STORE[store] = PolicyTexts(store)
    return texts.of(context.session, subjects)
