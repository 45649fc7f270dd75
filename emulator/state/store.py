"""The state store: one database, one transaction at a time.

All state is read and written on the server's event-loop thread and no transaction spans an `await`, so writers never wait
for each other. Another process cannot interfere either: a state folder has one server (`StateDirInUseError`), and so has
a database of PostgreSQL's (`DatabaseInUseError`).

Therefore one ORM session serves every transaction, and its identity map is a cache that is never stale: a row that was
read or written lately is had by its key without a query (`rows_by_key`, `Session.get`). A rollback forgets what it undid.
"""

import fcntl
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.pool import StaticPool

from emulator.state.appending import CHANGED, write_appended
from emulator.state.base import Base
from emulator.state.checkpoints import checkpoints_of
from emulator.state.journal import ServerStateRow
from emulator.state.memo import Memo
from emulator.state.schema import upgrade
from emulator.state.transactions import STATEMENTS, begin_at_once, transactions_of
from emulator.state.urls import parsed

T = TypeVar("T", bound=Base)

_AFTER_COMMIT = "ashore.after_commit"
Follower = Callable[[Session, Sequence[Base]], None]
_KEPT = 16_384
"""How many rows are held in memory though nobody uses them: those that came last. More tasks may be starting than 4096."""


class NestedTransactionError(RuntimeError):
    """A transaction was begun inside another: our bug."""

    def __init__(self) -> None:
        super().__init__("a transaction is under way; hand its session on instead of beginning another")


class StateDirInUseError(Exception):
    """Another server holds the state folder."""

    def __init__(self, path: Path, pid: str) -> None:
        super().__init__(
            f"the state folder {path} is in use by process {pid}\nfix: stop it, or choose another with --state-dir"
        )
        self.pid = pid


class DatabaseInUseError(Exception):
    """Another server holds the database (one that is not a file of the state folder)."""

    def __init__(self, url: URL) -> None:
        super().__init__(
            f"another server uses the database {url.render_as_string(hide_password=True)}\n"
            "fix: stop it, or name another in DATABASE_URL"
        )


class DatabaseUnreachableError(Exception):
    """The database that `DATABASE_URL` names does not answer."""

    def __init__(self, url: URL, reason: str) -> None:
        told = f"the database {url.render_as_string(hide_password=True)} cannot be reached: {reason.strip()}"
        super().__init__(f"{told}\nfix: start it, mend DATABASE_URL, or unset it (the state is then kept in a file)")


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


class Store:
    """Opens, migrates and serves the database.

    Args:
        url: a SQLAlchemy URL; `sqlite://` keeps everything in memory.
        lock_dir: the folder that this server claims for itself until `close`; None for a private database.

    Raises:
        StateDirInUseError: another living server has claimed `lock_dir`.
        DatabaseInUseError: another living server has claimed the database at `url`.
        DatabaseUnreachableError: nothing answers at `url`.
        DatabaseUrlError: `url` is none, or its driver is not installed.

    """

    def __init__(self, url: str, lock_dir: Path | None = None) -> None:
        self.engine = _engine(parsed(url))
        self._claimed = _claim_database(self.engine)
        self._lock = _claim(lock_dir) if lock_dir else None
        upgrade(self.engine)
        self._transactions = transactions_of(self.engine)
        self._session = self._transactions.session
        self._kept: OrderedDict[int, object] = OrderedDict()
        self._under_way = False
        self.memo = Memo()
        self._followers: list[Follower] = [self.memo.changed]
        event.listen(self._session, "after_flush", self._flushed)
        event.listen(self._session, "detached_to_persistent", self._keep)
        event.listen(self._session, "loaded_as_persistent", self._keep)
        event.listen(self._session, "pending_to_persistent", self._keep)
        self.checkpoints = checkpoints_of(self.engine)

    @property
    def in_transaction(self) -> bool:
        """A transaction is under way."""
        return self._under_way

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back where the block raises.

        What `after_commit` was given runs once the data is safe, and not at all after a rollback.

        Raises:
            NestedTransactionError: another one is under way.

        """
        if self._under_way:
            raise NestedTransactionError
        session = self._session
        self._under_way = True
        session.info.update({CHANGED: self._tell, STATEMENTS: self._transactions})
        try:
            yield session
            write_appended(session)
            if self._transactions.commit() and self.checkpoints is not None:
                self.checkpoints.committed()
            functions = session.info.pop(_AFTER_COMMIT, ())
        except BaseException:
            if self._transactions.undo():
                self._forget()
            raise
        finally:
            session.info.clear()
            self._under_way = False
        for function in functions:
            function()

    def _forget(self) -> None:
        """For some of the rows in memory are as they never were."""
        self._session.expunge_all()
        self._kept.clear()
        self.memo.forget()

    def _keep(self, _session: Session, row: object) -> None:
        self._kept[id(row)] = row
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Empty every table of users' resources in one transaction; sequence numbers of the journal go on.

        What the server knows of itself stays: under another id it would not find its own containers after a restart.
        What a service keeps there goes (`SERVICE.NAME`, such as the key of ECR's passwords).
        """
        self._forget()
        with self.engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                emptied = table.delete()
                if table.name == ServerStateRow.__tablename__:
                    emptied = emptied.where(ServerStateRow.name.contains("."))
                connection.execute(emptied)

    def follow(self, follower: Follower) -> None:
        """Tell `follower` of all rows that transactions add, change or delete, as they are written, before the commit."""
        self._followers.append(follower)

    def _flushed(self, session: Session, _context: UOWTransaction) -> None:
        self._tell(session, (*session.new, *session.dirty, *session.deleted))

    def _tell(self, session: Session, rows: Sequence[Base]) -> None:
        for follower in self._followers:
            follower(session, rows)

    def close(self) -> None:
        """Close the database and give the state folder free."""
        self._session.close()
        if self.checkpoints is not None:
            self.checkpoints.close()
        if self._claimed is not None:
            self._claimed.close()
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


def after_commit(session: Session, function: Callable[[], object]) -> None:
    """Run `function` after this transaction has been committed; never after a rollback."""
    session.info.setdefault(_AFTER_COMMIT, []).append(function)


def rows_by_key(session: Session, kind: type[T], keys: Iterable[str]) -> dict[str, T]:
    """The rows with these primary keys, by key; those in memory are not asked for again."""
    mapper = inspect(kind)
    (column,) = mapper.primary_key
    found: dict[str, T] = {}
    missing, going = [], session.deleted
    for key in keys:
        row = session.identity_map.get(mapper.identity_key_from_primary_key((key,)))
        if isinstance(row, kind) and not inspect(row).expired and row not in going:
            found[key] = row
        else:
            missing.append(key)
    if missing:
        for row in session.scalars(select(kind).where(column.in_(missing))):
            found[mapper.primary_key_from_instance(row)[0]] = row
    return found


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


_CLAIM = 0x6173686F7265
"""The number of the advisory lock: "ashore"."""


def _claim_database(engine: Engine) -> Connection | None:
    """A lock on the database that ends with its connection, and so with this process; None where the folder's does.

    It waits for two seconds: a server that has just been killed is not noticed at once by its database.
    """
    if engine.dialect.name == "sqlite":
        return None
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except OperationalError as error:
        raise DatabaseUnreachableError(engine.url, str(error.orig)) from error
    try:
        connection.execute(text("SET lock_timeout = '2s'"))
        connection.execute(text("SELECT pg_advisory_lock(:claim)"), {"claim": _CLAIM})
    except OperationalError as error:
        connection.close()
        engine.dispose()
        raise DatabaseInUseError(engine.url) from error
    return connection


def _engine(url: URL) -> Engine:
    options: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads}
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, **options)
    options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", begin_at_once)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """WAL with NORMAL: a commit survives the death of the process at once, and of the machine at the next checkpoint."""
    connection.isolation_level = None  # `transactions` say BEGIN themselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "cache_size=-32000",
    ):
        connection.execute(f"PRAGMA {pragma}")
