"""SQLite's write-ahead log goes into the database beside the work, in a thread: on the way of a commit it took 150 ms.

A checkpoint writes thousands of pages and waits for the disk twice. SQLite makes it with the commit that comes upon it;
here a connection of its own does, and SQLite lets go of the interpreter for as long. It reads no rows: all state stays
the event loop's.

While the log goes over, commits add to it, and only a log that has gone over wholly begins anew from its start. So the
little that came meanwhile goes over with the next commit.
"""

import sqlite3
import threading

from sqlalchemy import Engine

EVERY = 8_000
"""Rows changed between two checkpoints: about as many pages, 32 MiB. A page that changes often is copied once in these."""

AT_LAST = 64_000
"""Pages of the log after which SQLite itself sees to it with a commit, should the thread not come to it."""


def checkpoints_of(engine: Engine) -> "Checkpoints | None":
    """Those of a database; None where it has no log of SQLite's in a file."""
    in_file = engine.dialect.name == "sqlite" and engine.url.database not in {None, "", ":memory:"}
    return Checkpoints(engine) if in_file else None


class Checkpoints:
    """Makes them; `close` ends the thread.

    Args:
        engine: of a database in a file.

    """

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:
            self._writer: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        self._writer.execute(f"PRAGMA wal_autocheckpoint={AT_LAST}")
        self._copier = sqlite3.connect(str(engine.url.database), isolation_level=None, check_same_thread=False)
        self._seen = self._writer.total_changes
        self._asked, self._ending = threading.Event(), False
        self._copied = False
        """The thread is through with most of the log."""
        self._thread = threading.Thread(target=self._copy, name="checkpoints", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """The thread is at work, or about to be."""
        return self._asked.is_set()

    def close(self) -> None:
        """Return once the thread has ended."""
        self._ending = True
        self._asked.set()
        self._thread.join()
        self._copier.close()

    def committed(self) -> None:
        """Rows were written: see whether it is time."""
        if self._copied:
            self._copied = False
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._seen = self._writer.total_changes
        elif self._writer.total_changes - self._seen >= EVERY and not self._asked.is_set():
            self._asked.set()

    def _copy(self) -> None:
        while True:
            self._asked.wait()
            if self._ending:
                return
            for _ in range(2):  # the second time what came during the first
                self._copier.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._copied = True
            self._asked.clear()
