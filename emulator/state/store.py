"""The state store: one database, one transaction at a time.

All state is read and written on the server's event-loop thread and no transaction spans an `await`, so writers never wait
for each other. Another process cannot interfere either: a state folder has one server (`StateDirInUse`).
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from emulator.state.base import Base
from emulator.state.schema import upgrade

_AFTER_COMMIT = "ashore.after_commit"


class StateDirInUseError(Exception):
    """Another server holds the state folder."""

    def __init__(self, path: Path, pid: str) -> None:
        super().__init__(
            f"the state folder {path} is in use by process {pid}; stop it, or choose another with --state-dir"
        )
        self.pid = pid


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


class Store:
    """Opens, migrates and serves the database.

    Args:
        url: a SQLAlchemy URL; `sqlite://` keeps everything in memory.
        lock_dir: the folder that this server claims for itself until `close`; None for a private database.

    Raises:
        StateDirInUseError: another living server has claimed `lock_dir`.

    """

    def __init__(self, url: str, lock_dir: Path | None = None) -> None:
        self._lock = _claim(lock_dir) if lock_dir else None
        self.engine = _engine(make_url(url))
        upgrade(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back where the block raises.

        What `after_commit` was given runs once the data is safe, and not at all after a rollback.
        """
        with self._sessions() as session:
            with session.begin():
                yield session
            for function in session.info.pop(_AFTER_COMMIT, ()):
                function()

    def clear(self) -> None:
        """Empty every table in one transaction; sequence numbers of the journal go on."""
        with self.engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())

    def listen(self, name: str, function: Callable[..., object]) -> None:
        """Call `function` on the ORM session event `name` of every transaction."""
        event.listen(self._sessions, name, function)

    def close(self) -> None:
        """Close the database and give the state folder free."""
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


def after_commit(session: Session, function: Callable[[], object]) -> None:
    """Run `function` after this transaction has been committed; never after a rollback."""
    session.info.setdefault(_AFTER_COMMIT, []).append(function)


def _claim(folder: Path) -> TextIO:
    """An exclusive lock on `folder` that ends with this process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = (folder / "lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        pid = handle.read().strip()
        handle.close()
        raise StateDirInUseError(folder, pid) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def _engine(url: URL) -> Engine:
    options: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads}
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, **options)
    if not url.database:
        options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """WAL with NORMAL: a commit survives the death of the process at once, and of the machine at the next checkpoint."""
    connection.isolation_level = None  # SQLAlchemy's `begin` event says BEGIN itself
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "cache_size=-32000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, so that a transaction never fails halfway for want of it."""
    connection.execute(text("BEGIN IMMEDIATE"))
