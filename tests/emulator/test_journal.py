"""The journal keeps what it should and no more, however it was written and trimmed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

import emulator.state.tables  # noqa: F401 - declares every table
from emulator.journal import Entry, Journal, Kind, Retention
from emulator.state.appending import append
from emulator.state.journal import DecisionRow, JournalRow
from emulator.state.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
TASK = "arn:aws:ecs:us-east-1:000000000000:task/default/1"


def write(store: Store, journal: Journal, at: datetime, count: int, subject: str = "ecs:RunTask") -> None:
    with store.begin() as session:
        for _ in range(count):
            journal.write(session, Entry(at, Kind.API_CALL, "000000000000", "us-east-1", subject))


def kept(store: Store) -> list[tuple[int, datetime]]:
    with store.begin() as session:
        rows = session.execute(select(JournalRow.seq, JournalRow.at).order_by(JournalRow.seq))
        return [(row.seq, row.at) for row in rows]


def trim_all(journal: Journal, now: datetime) -> None:
    while journal.trim(now):
        pass


@pytest.fixture(scope="module")
def shared() -> Iterator[Store]:
    """One store for every example: its tables take longer to make than an example to play."""
    opened = Store("sqlite://")
    yield opened
    opened.close()


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.booleans()), max_size=12),
    st.integers(1, 60),
    st.integers(1, 8),
)
def test_exactly_the_newest_within_both_bounds_are_left(
    shared: Store, work: list[tuple[int, int, bool]], entries: int, days: int
) -> None:
    shared.clear()
    now, journal = START, Journal(shared, Retention(entries, timedelta(days=days)))
    written: list[datetime] = []
    for count, later, trimming in work:
        now += timedelta(days=later)
        write(shared, journal, now, count)
        written += [now] * count
        if trimming:
            journal.trim(now)
    trim_all(journal, now)
    assert [at for _, at in kept(shared)] == [at for at in written[-entries:] if at >= now - timedelta(days=days)]


def test_a_step_removes_no_more_than_the_work_since_the_last_allows() -> None:
    store = Store("sqlite://")
    write(store, Journal(store), START, 3000)
    journal = Journal(store, Retention(10))  # after a restart with another setting
    assert journal.trim(START) == 200
    write(store, journal, START, 100)
    assert journal.trim(START) == 400
    assert journal.trim(START) == 200
    store.close()


def test_a_step_that_finds_nothing_reads_two_entries_however_many_are_stored() -> None:
    store = Store("sqlite://")
    journal = Journal(store)
    write(store, journal, START, 2000)
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda _c, _cursor, text, *_: asked.append(text))
    assert journal.trim(START) == 0
    assert [("min" in text, "LIMIT" in text) for text in asked] == [(True, False), (False, True)]
    assert journal.trim(START) == 0
    store.close()


def test_the_record_of_a_refusal_goes_with_its_entry_and_that_of_a_task_stays() -> None:
    store = Store("sqlite://")
    journal = Journal(store)
    for number, subject in enumerate(("run-task/1", TASK)):
        with store.begin() as session:
            place = {"account": "000000000000", "region": "us-east-1"}
            record = {
                "id": f"d{number}",
                "at": START,
                "cluster_arn": "c",
                "subject": subject,
                "scope": None,
                "body": {},
            }
            append(session, DecisionRow, {**record, **place})
            detail = {"decisionId": f"d{number}", "chosen": None}
            journal.write(session, Entry(START, Kind.DECISION, "000000000000", "us-east-1", subject, detail))
    trim_all(journal, START + timedelta(days=31))
    with store.begin() as session:
        assert list(session.scalars(select(DecisionRow.subject))) == [TASK]
    assert kept(store) == []
    store.close()


def test_numbers_go_on_after_everything_was_trimmed() -> None:
    store = Store("sqlite://")
    journal = Journal(store)
    write(store, journal, START, 5)
    trim_all(journal, START + timedelta(days=31))
    write(store, journal, START + timedelta(days=31), 1)
    assert [seq for seq, _ in kept(store)] == [6]
    store.close()
