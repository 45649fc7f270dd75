"""Rows added past the ORM's unit of work, by one prepared statement a table.

The journal gets several rows with every change, so what one costs is what a change costs. Rows that no later transaction
changes are written together just before the commit (`append`); others at once (`add_row`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Dialect, Table
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from emulator.state.base import Base
from emulator.state.transactions import STATEMENTS, Transactions

_APPENDED = "ashore.appended"
CHANGED = "ashore.changed"
"""Member of a session's info: the function that tells whoever follows the rows (`Store.follow`)."""


def append(session: Session, kind: type[Base], values: dict[str, Any]) -> None:
    """Add a row that no later transaction changes. All rows of a kind name the same columns, and every one without a default."""
    session.info.setdefault(_APPENDED, {}).setdefault(kind, []).append(values)


def add_row(session: Session, row: Base) -> None:
    """Add a row at once by the prepared statement of its table; afterwards the session knows it as one that it has read.

    The unit of work does the same in five times the time, which is most of what RunTask takes.
    """
    add_rows(session, [row])


def add_rows(session: Session, rows: Sequence[Base]) -> None:
    """Add rows of one kind at once, as `add_row` does one."""
    if not rows:
        return
    kind = type(rows[0])
    names = _column_names(kind)
    for row in rows:
        for name in names:
            if name not in row.__dict__:
                set_committed_value(row, name, None)  # else it would be read back
    insert_rows(session, kind, [{name: row.__dict__[name] for name in names} for row in rows])
    for row in rows:
        make_transient_to_detached(row)
        session.add(row)
    changed: Callable[[Session, Sequence[Base]], None] = session.info[CHANGED]
    changed(session, rows)


@cache
def _column_names(kind: type[Base]) -> tuple[str, ...]:
    return tuple(column.key for column in kind.__table__.columns)


def write_appended(session: Session) -> None:
    """Write what was appended in this transaction."""
    appended: dict[type[Base], list[dict[str, Any]]] = session.info.pop(_APPENDED, {})
    for kind, rows in appended.items():
        insert_rows(session, kind, rows)


def insert_rows(session: Session, kind: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows by a statement that was prepared once."""
    statements: Transactions = session.info[STATEMENTS]
    text, columns, named = _prepared(cast("Table", kind.__table__), tuple(rows[0]), statements.dialect)
    if named:
        many: Any = [{name: bind(row[name]) for name, bind in columns} for row in rows]
    else:
        many = [tuple(bind(row[name]) for name, bind in columns) for row in rows]
    statements.write_many(text, many)


Bind = Callable[[Any], Any]


@lru_cache(maxsize=64)
def _prepared(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[tuple[str, Bind], ...], bool]:
    """The statement; its columns in order, each with what makes a value fit for the driver; whether they go by name."""
    compiled = table.insert().compile(dialect=dialect, column_keys=list(names))
    binds = {
        name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)
        for name in names
    }
    order: Sequence[str] = getattr(compiled, "positiontup", None) or names
    return str(compiled), tuple((name, binds[name]) for name in order), not compiled.positional
