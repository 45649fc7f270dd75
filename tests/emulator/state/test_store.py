"""The store's one session: a cache that is never stale, and transactions that take effect as a whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

import emulator.state.tables  # noqa: F401 - declares every table
from emulator.state.appending import add_row, append
from emulator.state.ecs import FamilyRow
from emulator.state.journal import ServerStateRow
from emulator.state.store import NestedTransactionError, Store, after_commit, rows_by_key
from emulator.state.transactions import STATEMENTS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()


@pytest.fixture
def statements(store: Store) -> list[str]:
    """The first words of what the database is asked, as it happens."""
    asked: list[str] = []
    driver: Any = store.engine.raw_connection().driver_connection
    driver.set_trace_callback(lambda statement: asked.append(statement.split()[0]))
    return asked


def keep(store: Store, *names: str) -> None:
    with store.begin() as session:
        session.add_all(ServerStateRow(name=name, value={"of": name}) for name in names)


@contextmanager
def failing(store: Store) -> Iterator[Session]:
    """A transaction whose block raises at its end."""
    with suppress(ZeroDivisionError), store.begin() as session:
        yield session
        raise ZeroDivisionError


def test_a_row_that_was_written_lately_is_had_by_its_key_without_a_query(store: Store, statements: list[str]) -> None:
    keep(store, "a", "b")
    statements.clear()
    with store.begin() as session:
        assert session.get_one(ServerStateRow, "a").value == {"of": "a"}
        assert rows_by_key(session, ServerStateRow, ["b", "a"]).keys() == {"a", "b"}
    assert statements == []


def test_what_is_not_in_memory_is_asked_for_at_once(store: Store, statements: list[str]) -> None:
    keep(store, "a", "b", "c")
    with store.begin() as session:
        session.expunge_all()
        session.get(ServerStateRow, "a")
    statements.clear()
    with store.begin() as session:
        assert sorted(rows_by_key(session, ServerStateRow, ["a", "b", "c", "missing"])) == ["a", "b", "c"]
    assert len(statements) == 1


def test_a_row_about_to_be_deleted_is_not_found_by_its_key(store: Store) -> None:
    keep(store, "a")
    with store.begin() as session:
        session.delete(session.get_one(ServerStateRow, "a"))
        assert rows_by_key(session, ServerStateRow, ["a"]) == {}


def test_a_rollback_undoes_rows_in_memory_too(store: Store) -> None:
    keep(store, "a")
    with failing(store) as session:
        session.get_one(ServerStateRow, "a").value = {"of": "nobody"}
        session.add(ServerStateRow(name="b", value={}))
        session.flush()
    with store.begin() as session:
        assert session.get_one(ServerStateRow, "a").value == {"of": "a"}
        assert session.get(ServerStateRow, "b") is None


def test_an_error_before_any_change_leaves_the_cache_as_it_is(store: Store, statements: list[str]) -> None:
    keep(store, "a")
    with failing(store) as session:
        session.scalar(select(func.count()).select_from(ServerStateRow))
    statements.clear()
    with store.begin() as session:
        assert session.get_one(ServerStateRow, "a").value == {"of": "a"}
    assert statements == []


def test_appended_rows_are_written_together_and_not_at_all_after_an_error(store: Store, statements: list[str]) -> None:
    statements.clear()
    with store.begin() as session:
        for number in range(3):
            append(session, FamilyRow, {"account": "1", "region": "r", "family": f"{number}", "last_revision": number})
        assert statements == []
    assert statements == ["BEGIN", "INSERT", "INSERT", "INSERT", "COMMIT"]
    with failing(store) as session:
        append(session, FamilyRow, {"account": "1", "region": "r", "family": "x", "last_revision": 1})
    with store.begin() as session:
        assert session.scalar(select(func.count()).select_from(FamilyRow)) == 3


def test_what_waits_for_the_commit_of_a_failed_transaction_never_happens(store: Store) -> None:
    happened: list[str] = []
    with failing(store) as session:
        after_commit(session, lambda: happened.append("failed"))
    with store.begin() as session:
        after_commit(session, lambda: happened.append("safe"))
        assert happened == []
    assert happened == ["safe"]


def test_reading_locks_nothing(store: Store, statements: list[str]) -> None:
    with store.begin() as session:
        session.scalar(select(func.count()).select_from(ServerStateRow))
    assert statements == ["SELECT"]


def test_prepared_and_other_statements_are_one_transaction(store: Store, statements: list[str]) -> None:
    with failing(store) as session:
        add_row(session, ServerStateRow(name="a", value={}))
        session.add(ServerStateRow(name="b", value={}))
        session.flush()
    assert statements == ["BEGIN", "INSERT", "INSERT", "ROLLBACK"]
    with failing(store) as session:
        add_row(session, ServerStateRow(name="a", value={}))
    with store.begin() as session:
        assert [session.get(ServerStateRow, name) for name in ("a", "b")] == [None, None]
    assert statements[4:-2] == ["BEGIN", "INSERT", "ROLLBACK"]


def test_a_query_for_strings_sees_what_is_not_written_yet(store: Store) -> None:
    query = (
        select(ServerStateRow.name)
        .where(ServerStateRow.name > bindparam("after"))
        .order_by(ServerStateRow.name)
        .limit(2)
    )
    with store.begin() as session:
        session.add_all(ServerStateRow(name=name, value={}) for name in "cab")
        assert list(session.info[STATEMENTS].strings(query, {"after": "a"})) == ["b", "c"]
        assert list(session.info[STATEMENTS].strings(query, {"after": ""})) == ["a", "b"]


def test_a_transaction_within_another_is_our_bug(store: Store) -> None:
    with store.begin() as outer:
        outer.get(ServerStateRow, "a")
        with pytest.raises(NestedTransactionError), store.begin():
            pass


def test_clearing_forgets_what_is_in_memory_and_keeps_what_the_server_knows_of_itself(store: Store) -> None:
    keep(store, "a")
    with store.begin() as session:
        session.add(FamilyRow(account="1", region="r", family="web", last_revision=1))
    store.clear()
    with store.begin() as session:
        assert session.get(FamilyRow, ("1", "r", "web")) is None
        assert session.get(ServerStateRow, "a") is not None


def test_what_was_committed_is_there_after_the_process_has_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    first = Store(url)
    keep(first, "a")
    first.close()
    second = Store(url)
    with second.begin() as session:
        assert session.get_one(ServerStateRow, "a").value == {"of": "a"}
    second.close()


def test_a_row_added_at_once_is_as_if_it_had_been_read(store: Store, statements: list[str]) -> None:
    told: list[str] = []
    store.follow(lambda _session, rows: told.extend(type(row).__name__ for row in rows))
    with store.begin() as session:
        row = ServerStateRow(name="a", value={"of": "a"})
        add_row(session, row)
        row.value = {"of": "b"}
        assert session.get(ServerStateRow, "a") is row
    assert told == ["ServerStateRow", "ServerStateRow"]
    assert statements == ["BEGIN", "INSERT", "UPDATE", "COMMIT"]
    with failing(store) as session:
        add_row(session, ServerStateRow(name="b", value={}))
    with store.begin() as session:
        assert session.get_one(ServerStateRow, "a").value == {"of": "b"}
        assert session.get(ServerStateRow, "b") is None


def test_what_a_rollback_undid_is_not_taken_for_a_row_that_is_there(store: Store) -> None:
    keep(store, "a")
    with failing(store) as session:
        session.get_one(ServerStateRow, "a").value = {"of": "nobody"}
        session.flush()
    with store.begin() as session:
        session.execute(delete(ServerStateRow).where(ServerStateRow.name == "a"))
        session.merge(ServerStateRow(name="a", value={"of": "again"}))
    with store.begin() as session:
        assert session.get_one(ServerStateRow, "a").value == {"of": "again"}
