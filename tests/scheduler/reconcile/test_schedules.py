"""When scheduled actions fall due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.reconcile.schedules import ScheduleError, Window, is_due

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)  # a Thursday
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("at(2026-11-26T12:00:00)", True),
        ("at(2026-11-26T12:01:00)", False),
        ("rate(5 minutes)", True),
        ("rate(7 minutes)", False),
        ("cron(0 12 * * ? *)", True),
        ("cron(0 12 ? * THU *)", True),
        ("cron(0 12 ? * MON-WED *)", False),
        ("cron(0/30 * * * ? *)", True),
        ("cron(0 12 26 NOV ? 2026)", True),
        ("cron(0 12 L * ? *)", False),
        ("cron(1,2 12 * * ? *)", False),
    ],
)
def test_at_noon(schedule: str, due: bool) -> None:
    assert is_due(schedule, NOON - 60 * MINUTE, Window(NOON - MINUTE, NOON)) is due


def test_a_time_zone_counts() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert is_due("cron(0 13 * * ? *)", NOON, Window(NOON - MINUTE, NOON), berlin)
    assert is_due("at(2026-11-26T13:00:00)", NOON, Window(NOON - MINUTE, NOON), berlin)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "noon",
        "at(noon)",
        "rate(0 minutes)",
        "rate(5 years)",
        "rate(99999999999 days)",
        "cron(* *)",
        "cron(60 * * * ? *)",
        "cron(0/0 * * * ? *)",
    ],
)
def test_what_is_no_schedule_is_told(schedule: str) -> None:
    with pytest.raises(ScheduleError):
        is_due(schedule, NOON, Window(NOON - MINUTE, NOON))


@given(some.integers(1, 59), some.integers(0, 10_000))
def test_a_rate_falls_due_once_in_each_of_its_spans(every: int, begun: int) -> None:
    begin = NOON - timedelta(seconds=begun)
    windows = [Window(NOON + index * MINUTE, NOON + (index + 1) * MINUTE) for index in range(every)]
    assert sum(is_due(f"rate({every} minutes)", begin, window) for window in windows) == 1
