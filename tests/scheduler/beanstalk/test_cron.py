"""cron.yaml: which instants an expression means, compared with plainly looking at every minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.cron import CronError, Due, due, following, leader, next_due, parse

NOW = datetime(2026, 1, 1, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", "2026-01-01 12:35"),
        ("*/15 * * * *", "2026-01-01 12:45"),
        ("0 */12 * * *", "2026-01-02 00:00"),
        ("0 23 * * SAT", "2026-01-03 23:00"),
        ("30 4 1,15 * 5", "2026-01-02 04:30"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("5/20 9-17/4 * * mon-fri", "2026-01-01 13:05"),
        ("0 0 * * 7", "2026-01-04 00:00"),
        ("@daily", "2026-01-02 00:00"),
    ],
)
def test_following(text: str, expected: str) -> None:
    found = following(parse(text), NOW)
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M}" == expected


def test_an_instant_that_never_comes() -> None:
    assert following(parse("0 0 31 2 *"), NOW) is None


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "x * * * *", "* * * * 8", "-1 * * * *"],
)
def test_no_expressions(text: str) -> None:
    with pytest.raises(CronError):
        parse(text)


def spans(first: int, last: int) -> st.SearchStrategy[str]:
    values = st.integers(first, last)
    return st.one_of(
        st.just("*"),
        st.integers(1, 30).map(lambda every: f"*/{every}"),
        st.lists(values, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found))),
    )


@given(spans(0, 59), spans(0, 23), spans(1, 28), spans(0, 6), st.integers(0, 10**6))
def test_no_minute_is_left_out(minute: str, hour: str, day: str, weekday: str, offset: int) -> None:
    expression = parse(f"{minute} {hour} {day} * {weekday}")
    after = NOW + timedelta(minutes=offset)
    found = following(expression, after)
    at = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(3000):
        if at == found:
            break
        fits = at.minute in expression.minutes and at.hour in expression.hours and expression.admits_day(at)
        assert not fits, at
        at += timedelta(minutes=1)
    if found is not None:
        assert found > after
        assert found.minute in expression.minutes
        assert found.hour in expression.hours
        assert expression.admits_day(found)


EVERY = {"a": parse("*/7 * * * *"), "b": parse("15 * * * *"), "c": parse("* * * * *"), "d": parse("0 0 31 2 *")}


@given(st.lists(st.integers(0, 600), max_size=8))
def test_however_often_it_is_looked_nothing_is_lost_or_doubled(pauses: list[int]) -> None:
    looked, found = NOW, list[Due]()
    for seconds in pauses:
        found += due(EVERY, looked, looked + timedelta(seconds=seconds))
        looked += timedelta(seconds=seconds)
    whole = [
        Due(at, name)
        for minute in range(1, int((looked - NOW).total_seconds()) // 60 + 2)
        for at in [NOW.replace(second=0) + timedelta(minutes=minute)]
        for name, expression in EVERY.items()
        if at <= looked and at.minute in expression.minutes and name != "d"
    ]
    assert found == sorted(whole, key=lambda one: (one.at, one.name))
    coming = next_due(EVERY, looked)
    assert coming is not None
    assert due(EVERY, looked, coming - timedelta(seconds=1)) == ()
    assert due(EVERY, looked, coming) != ()


def test_what_is_long_past_is_not_made_up_for() -> None:
    found = due({"b": parse("15 * * * *")}, NOW - timedelta(days=3), NOW)
    assert [one.at for one in found] == [datetime(2026, 1, 1, 12, 15, tzinfo=UTC)]
    assert next_due({"d": parse("0 0 31 2 *")}, NOW) is None


def test_the_leader_stays_while_it_is_there() -> None:
    assert leader(None, ["i-2", "i-1"]) == "i-1"
    assert leader("i-2", ["i-2", "i-1"]) == "i-2"
    assert leader("i-3", ["i-2"]) == "i-2"
    assert leader("i-3", []) is None
