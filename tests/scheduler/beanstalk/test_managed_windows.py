"""Managed actions: rules that hold for every environment there could be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.beanstalk.managed_windows import (
    LENGTH,
    SCAN,
    ActionKind,
    Do,
    ManagedStep,
    ManagedView,
    Plan,
    Planned,
    WeeklyStart,
    is_update,
    step,
    weekly_start,
)

TUESDAY = datetime(2026, 6, 2, 9, tzinfo=UTC)
_instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_starts = st.builds(WeeklyStart, st.integers(0, 6), st.integers(0, 23), st.integers(0, 59))
_versions = st.tuples(st.integers(3, 4), st.integers(0, 3), st.integers(0, 3))
_views = st.builds(
    ManagedView,
    now=_instants,
    plan=st.none() | st.builds(Plan, _starts, st.booleans(), st.booleans()),
    version=_versions,
    newest=_versions,
    ready=st.booleans(),
    planned=st.none(),
    used=st.none() | _instants,
).map(lambda view: view if view.used is None else replace(view, used=min(view.used, view.now)))
"""No window that was used is still to come."""


def test_starts_are_read() -> None:
    assert weekly_start("Tue:09:00") == WeeklyStart(1, 9, 0)
    assert weekly_start("sun:23:59") == WeeklyStart(6, 23, 59)
    for text in ("", "Tue", "Tue:24:00", "Tue:9:00", "Day:09:00", "Tue:09:00:00"):
        assert weekly_start(text) is None


@given(_starts, _instants)
def test_the_last_start_is_less_than_a_week_ago(start: WeeklyStart, now: datetime) -> None:
    last = start.last(now)
    assert timedelta(0) <= now - last < timedelta(weeks=1)
    assert (last.weekday(), last.hour, last.minute) == (start.weekday, start.hour, start.minute)


@pytest.mark.parametrize(
    ("minor", "version", "newest", "expected"),
    [
        (False, (4, 6, 0), (4, 6, 1), True),
        (False, (4, 5, 9), (4, 6, 0), False),
        (True, (4, 5, 9), (4, 6, 0), True),
        (True, (3, 9, 0), (4, 6, 0), False),
        (True, (4, 6, 0), (4, 6, 0), False),
        (True, (4, 6, 1), (4, 6, 0), False),
    ],
)
def test_levels(
    minor: bool,
    version: tuple[int, int, int],
    newest: tuple[int, int, int],
    expected: bool,
) -> None:
    assert is_update(minor, version, newest) is expected


def _followed(view: ManagedView, found: ManagedStep) -> ManagedView:
    """The environment after a step, an update having succeeded at once."""
    planned = view.planned
    if found.do is Do.SCHEDULE:
        return replace(view, planned=found.planned)
    if found.do is Do.DROP:
        return replace(view, planned=None)
    if found.do in {Do.BEGIN, Do.MISS}:
        assert planned is not None
        done = found.do is Do.BEGIN and planned.version is not None
        return replace(view, planned=None, used=planned.window, version=planned.version if done else view.version)  # type: ignore[arg-type]  # `done` says that it is there
    return view


@given(_views)
@settings(max_examples=40)
def test_updates_begin_in_their_window_on_a_ready_environment_once_a_window(view: ManagedView) -> None:
    begun: list[datetime] = []
    before = view
    for _ in range(400):
        found = step(view)
        assert found.reason
        if found.do is Do.BEGIN:
            assert view.plan is not None
            assert view.ready
            start = view.plan.start.last(view.now)
            assert view.now - start < LENGTH
            begun.append(start)
        after = _followed(view, found)
        if found.do is Do.NOTHING:
            if found.look_again is None or found.look_again > before.now + timedelta(days=9):
                break
            assert view.now < found.look_again <= view.now + SCAN
            after = replace(after, now=found.look_again)
        view = after
    else:
        pytest.fail("it does not come to rest between two looks")
    assert len(set(begun)) == len(begun)
    if view.plan is None:
        assert not begun
        assert view.planned is None
    if view.plan is not None and view.plan.refresh and view.ready:
        assert len(begun) >= 1
    if not view.ready:
        assert not begun


def _view(**changes: object) -> ManagedView:
    plan = Plan(WeeklyStart(1, 9, 0), minor=True, refresh=False)
    view = ManagedView(TUESDAY - timedelta(days=1), plan, (4, 5, 0), (4, 6, 0), ready=True, planned=None)
    return replace(view, **changes)  # type: ignore[arg-type]  # fields of the view


def test_an_update_is_planned_waited_for_and_begun() -> None:
    scheduled = step(_view())
    assert scheduled.planned == Planned(ActionKind.PLATFORM_UPDATE, (4, 6, 0), TUESDAY)
    assert scheduled.reason == "4.5.0 runs, 4.6.0 is the branch's newest version"
    waiting = step(_view(planned=scheduled.planned))
    assert (waiting.do, waiting.look_again) == (Do.NOTHING, TUESDAY - timedelta(days=1) + SCAN)
    assert step(_view(planned=scheduled.planned, now=TUESDAY)).do is Do.BEGIN
    busy = step(_view(planned=scheduled.planned, now=TUESDAY, ready=False))
    assert (busy.do, busy.reason) == (Do.NOTHING, "the environment is not Ready")
    assert step(_view(planned=scheduled.planned, now=TUESDAY + LENGTH, ready=False)).do is Do.MISS


def test_what_is_no_longer_wanted_is_dropped() -> None:
    planned = Planned(ActionKind.PLATFORM_UPDATE, (4, 6, 0), TUESDAY)
    assert step(_view(planned=planned, plan=None)).do is Do.DROP
    assert step(_view(planned=planned, version=(4, 6, 0))).do is Do.DROP
    moved = Plan(WeeklyStart(2, 9, 0), minor=True, refresh=False)
    assert step(_view(planned=planned, plan=moved)).reason == "the window was moved"


def test_a_window_is_used_once() -> None:
    refresh = Plan(WeeklyStart(1, 9, 0), minor=True, refresh=True)
    found = step(_view(plan=refresh, version=(4, 6, 0), now=TUESDAY + timedelta(minutes=30), used=TUESDAY))
    assert found.planned == Planned(ActionKind.INSTANCE_REFRESH, None, TUESDAY + timedelta(weeks=1))
