"""When scheduled actions of groups fall due, and what becomes of the group."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.group_schedules import GroupAction, Size, is_due, resized
from scheduler.reconcile.schedules import Window

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def action(**members: object) -> GroupAction:
    return GroupAction("up", "group", **members)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("members", "due"),
    [
        ({}, False),
        ({"start": NOON}, True),
        ({"start": NOON + MINUTE}, False),
        ({"start": NOON - MINUTE}, False),
        ({"recurrence": "0 12 * * 1-5"}, True),
        ({"recurrence": "0 12 * * SUN"}, False),
        ({"recurrence": "0 12 * * *", "start": NOON + MINUTE}, False),
        ({"recurrence": "0 12 * * *", "start": NOON}, True),
        ({"recurrence": "0 12 * * *", "end": NOON - MINUTE}, False),
        ({"recurrence": "0 13 * * *", "zone": ZoneInfo("Europe/Paris")}, True),
        ({"recurrence": "0 12 * * *", "zone": ZoneInfo("Europe/Paris")}, False),
    ],
)
def test_what_falls_due_in_the_minute_up_to_noon(members: dict[str, object], due: bool) -> None:
    assert is_due(action(**members), Window(NOON - MINUTE, NOON)) is due


@given(st.integers(0, 59), st.lists(st.integers(1, 90), min_size=1, max_size=20))
def test_an_hourly_action_is_due_once_an_hour_however_often_it_is_looked_at(minute: int, steps: list[int]) -> None:
    hourly, last, times = action(recurrence=f"{minute} * * * *"), NOON, 0
    for step in steps:
        now = last + step * MINUTE
        times += is_due(hourly, Window(last, now))
        last = now
    whole = sum((NOON + number * MINUTE).minute == minute for number in range(1, sum(steps) + 1))
    assert times <= whole
    if max(steps) < 60:
        assert times == whole


COUNTS = st.one_of(st.none(), st.integers(0, 20))


@given(COUNTS, COUNTS, COUNTS, st.lists(st.integers(0, 20), min_size=3, max_size=3).map(sorted))
def test_the_desired_capacity_stays_within_the_bounds(
    minimum: int | None, maximum: int | None, desired: int | None, size: list[int]
) -> None:
    found = resized(action(minimum=minimum, maximum=maximum, desired=desired), Size(size[0], size[2], size[1]))
    assert found.minimum <= found.desired <= found.maximum
    assert minimum in {None, found.minimum}
    if desired is not None and found.minimum <= desired <= found.maximum:
        assert found.desired == desired
