"""Kept answers: never stale, whether what they were made from is changed, committed or rolled back."""

from collections.abc import Iterator

import pytest

import emulator.state.tables  # noqa: F401 - declares every table
from emulator.state.ecs import ServiceEventRow
from emulator.state.store import Store
from tests.emulator.ecs.control_plane import START
from tests.emulator.state.test_store import failing


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store("sqlite://")
    yield opened
    opened.close()


def event(number: int, service: str = "service/web") -> ServiceEventRow:
    return ServiceEventRow(id=f"{number}", service_arn=service, sequence=number, created_at=START, message="x")


def keep(store: Store, answer: str) -> None:
    with store.begin() as session:
        store.memo.keep(session, "service/web", answer)


def known(store: Store) -> object:
    with store.begin() as session:
        return store.memo.known(session, "service/web")


def test_an_answer_is_kept_until_a_row_of_its_key_changes(store: Store) -> None:
    keep(store, "first")
    with store.begin() as session:
        session.add(event(1, "service/other"))
    assert known(store) == "first"
    with store.begin() as session:
        session.add(event(2))
        assert store.memo.known(session, "service/web") is None
    assert known(store) is None


def test_answers_differ_by_variant(store: Store) -> None:
    with store.begin() as session:
        store.memo.keep(session, "service/web", "with tags", variant=True)
        store.memo.keep(session, "service/web", "without", variant=False)
        assert store.memo.known(session, "service/web", variant=True) == "with tags"
        assert store.memo.known(session, "service/web", variant=False) == "without"


def test_what_a_transaction_sees_of_its_own_changes_is_not_kept(store: Store) -> None:
    with failing(store) as session:
        session.add(event(1))
        assert store.memo.known(session, "service/web") is None
        store.memo.keep(session, "service/web", "rolled back")
    assert known(store) is None


def test_a_deleted_row_counts_as_a_change(store: Store) -> None:
    with store.begin() as session:
        session.add(event(1))
    keep(store, "first")
    with store.begin() as session:
        session.delete(session.get_one(ServiceEventRow, "1"))
    assert known(store) is None


def test_clearing_forgets(store: Store) -> None:
    keep(store, "first")
    store.clear()
    assert known(store) is None
