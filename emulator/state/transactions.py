"""How transactions of a database begin and end, and what they ask past the ORM.

SQLite's are our own: all of them are on one thread and one connection, and nobody else writes, so one that only reads needs
none, and one whose rows were all written by prepared statements is ended by a word to the driver. What SQLAlchemy would add
to these took four times as long as SQLite. Where the unit of work has written, it ends the transaction, as everywhere.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Engine, Select, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

STATEMENTS = "ashore.statements"
"""Member of a session's info: its `Transactions`."""
_OURS = "ashore_session"
"""Execution option of the connection whose transactions begin with the first statement that writes."""


class Transactions(Protocol):
    """The transactions of one session."""

    session: Session
    dialect: Dialect

    def write_many(self, text: str, rows: Any) -> None:
        """Execute a statement for each of these rows of parameters."""

    def strings(self, statement: Select[str], parameters: Mapping[str, Any]) -> Sequence[str]:
        """The strings that a query of one column finds. The query is prepared once: hand the same object on each time."""

    def commit(self) -> bool:
        """End the transaction; whether anything was written."""

    def undo(self) -> bool:
        """Roll back; whether rows in memory may be as they never were."""


def transactions_of(engine: Engine) -> Transactions:
    """Those that suit a database."""
    return SqliteTransactions(engine) if engine.dialect.name == "sqlite" else PooledTransactions(engine)


class SqliteTransactions:
    """See above. What the session reads outside a transaction of SQLite's is what was committed last."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect().execution_options(**{_OURS: True})
        self._driver: sqlite3.Connection = self._connection.connection.driver_connection  # type: ignore[assignment]
        self.session, self.dialect = Session(self._connection, expire_on_commit=False), engine.dialect
        self._wrote = self._by_statement = False
        """In this transaction; by SQLAlchemy's statements: then it is to end it, for who listens to it counts on that."""
        event.listen(engine, "before_cursor_execute", self._before)

    def write_many(self, text: str, rows: Any) -> None:
        """See `Transactions`."""
        self._begin()
        try:
            self._driver.executemany(text, rows)
        except sqlite3.OperationalError as error:
            raise OperationalError(text, None, error) from error

    def strings(self, statement: Select[str], parameters: Mapping[str, Any]) -> Sequence[str]:
        """See `Transactions`."""
        if not _clean(self.session):
            self.session.flush()
        text, names, fixed = _prepared(statement, self.dialect)
        given = {**fixed, **parameters}
        return [string for (string,) in self._driver.execute(text, [given[name] for name in names])]

    def commit(self) -> bool:
        """See `Transactions`."""
        if self._by_statement or not _clean(self.session):
            self.session.commit()
        elif self._wrote:
            self._say("COMMIT")
        return self._ended()

    def undo(self) -> bool:
        """See `Transactions`."""
        if not self._wrote and _clean(self.session):
            return False
        self.session.rollback()
        self._driver.rollback()  # where only prepared statements have written
        self._ended()
        return True

    def _ended(self) -> bool:
        wrote, self._wrote, self._by_statement = self._wrote, False, False
        return wrote

    def _before(self, connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if connection is self._connection and not statement.startswith("SELECT"):
            self._by_statement = True
            self._begin()

    def _begin(self) -> None:
        """Take the write lock at once, so that a transaction never fails halfway for want of it."""
        if not self._wrote:
            self._say("BEGIN IMMEDIATE")
            self._wrote = True

    def _say(self, text: str) -> None:
        """SQLAlchemy's error where the driver has one (a full disk), so that there is one kind of them."""
        try:
            self._driver.execute(text)
        except sqlite3.OperationalError as error:
            raise OperationalError(text, None, error) from error


def begin_at_once(connection: Connection) -> None:
    """Listens to SQLite's `begin`: take the write lock, but for the session, which does so before it writes."""
    if not connection.get_execution_options().get(_OURS):
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # it is SQLite's
        driver.execute("BEGIN IMMEDIATE")


class PooledTransactions:
    """By SQLAlchemy throughout, which has a connection that was lost made anew."""

    def __init__(self, engine: Engine) -> None:
        self.session, self.dialect = Session(engine, expire_on_commit=False), engine.dialect
        self._wrote = False
        event.listen(engine, "before_cursor_execute", self._before)

    def write_many(self, text: str, rows: Any) -> None:
        """See `Transactions`."""
        self.session.connection().exec_driver_sql(text, rows)

    def strings(self, statement: Select[str], parameters: Mapping[str, Any]) -> Sequence[str]:
        """See `Transactions`."""
        return self.session.scalars(statement, parameters).all()

    def commit(self) -> bool:
        """See `Transactions`."""
        if self.session.in_transaction() or not _clean(self.session):  # what needed no query has nothing to end
            self.session.commit()
        wrote, self._wrote = self._wrote, False
        return wrote

    def undo(self) -> bool:
        """See `Transactions`."""
        if not self._wrote and _clean(self.session):
            self.session.commit()  # it is simply ended
            return False
        self._wrote = False
        self.session.rollback()
        return True

    def _before(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        self._wrote = self._wrote or not statement.startswith("SELECT")


def _clean(session: Session) -> bool:
    """Nothing waits to be written."""
    return not (session.new or session.dirty or session.deleted)


@lru_cache(maxsize=256)
def _prepared(statement: Select[str], dialect: Dialect) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """A query's text, the names of its parameters in their order, and those that have a value already."""
    compiled = statement.compile(dialect=dialect)
    fixed = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
    return str(compiled), compiled.positiontup or (), fixed
