"""The file that holds the neighbours' state: pickled segments, and beside them what is written once and never changes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS segment (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS body (id TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (log TEXT, first INTEGER, data BLOB NOT NULL, PRIMARY KEY (log, first));
"""
MANIFEST = "manifest"


class SnapshotFile:
    """A SQLite database of its own: a save is one transaction, so that services which refer to each other stay in step."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def segments(self) -> dict[str, bytes]:
        """Every segment by name, the manifest included."""
        return dict(self._connection.execute("SELECT name, data FROM segment").fetchall())

    def manifest(self) -> bytes | None:
        """The segment that tells which backends there are."""
        row = self._connection.execute("SELECT data FROM segment WHERE name = ?", (MANIFEST,)).fetchone()
        return row[0] if row else None

    def put_segment(self, name: str, data: bytes) -> None:
        """Write or replace a segment."""
        self._connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?)", (name, data))

    def drop_segment(self, name: str) -> None:
        """Remove a segment."""
        self._connection.execute("DELETE FROM segment WHERE name = ?", (name,))

    def put_body(self, name: str, data: bytes) -> None:
        """Write the content of an S3 object, or other bytes that do not change, once."""
        self._connection.execute("INSERT INTO body VALUES (?, ?)", (name, data))

    def body(self, name: str) -> bytes:
        """What was written so."""
        data: bytes = self._connection.execute("SELECT data FROM body WHERE id = ?", (name,)).fetchone()[0]
        return data

    def put_events(self, log: str, first: int, data: bytes) -> None:
        """Append log events, of which the first has the index `first`."""
        self._connection.execute("INSERT INTO events VALUES (?, ?, ?)", (log, first, data))

    def events(self, log: str) -> list[bytes]:
        """The chunks of events of one log stream, oldest first."""
        rows = self._connection.execute("SELECT data FROM events WHERE log = ? ORDER BY first", (log,)).fetchall()
        return [data for (data,) in rows]

    def keep_only(self, bodies: set[str], logs: set[str]) -> None:
        """Remove the content of objects and streams that are gone."""
        for table, column, kept in (("body", "id", bodies), ("events", "log", logs)):
            stored = {name for (name,) in self._connection.execute(f"SELECT DISTINCT {column} FROM {table}")}  # noqa: S608 - constants
            gone = [(name,) for name in stored - kept]
            self._connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)  # noqa: S608 - constants

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in ("segment", "body", "events"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
