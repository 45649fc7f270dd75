"""The write-ahead log goes into the database beside the work, and begins anew once all of it has gone over."""

import sqlite3
from pathlib import Path

from emulator.state.checkpoints import AT_LAST, EVERY
from emulator.state.journal import ServerStateRow
from emulator.state.store import Store
from tests.running import wait_until


def write(store: Store, first: int, count: int) -> None:
    """So many rows in one transaction."""
    with store.begin() as session:
        session.add_all(ServerStateRow(name=str(number), value={}) for number in range(first, first + count))


def test_a_commit_leaves_the_log_to_a_thread_and_what_is_left_to_the_next(tmp_path: Path) -> None:
    file, log = tmp_path / "state.db", tmp_path / "state.db-wal"
    store = Store(f"sqlite:///{file}")
    checkpoints = store.checkpoints
    assert checkpoints is not None
    write(store, 0, EVERY)
    wait_until(lambda: not checkpoints.busy)
    grown = log.stat().st_size
    for number in range(10):  # were the log not begun anew, each would make it longer
        write(store, EVERY + number, 1)
    assert log.stat().st_size <= grown + 2 * 4096
    copy = tmp_path / "copy.db"
    copy.write_bytes(file.read_bytes())
    with sqlite3.connect(copy) as connection:  # without its log
        (there,) = connection.execute("SELECT count(*) FROM server_state").fetchone()
    assert there >= EVERY
    store.close()


def test_without_the_thread_sqlite_would_see_to_the_log_itself(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'state.db'}")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == AT_LAST
    store.close()
    Store("sqlite://").close()  # which has no log
