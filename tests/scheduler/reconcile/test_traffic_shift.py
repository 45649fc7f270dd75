"""Deployments that shift traffic: their stages in order, what never happens to traffic, bake times to the second."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.traffic_shift import (
    DAY,
    WAY_BACK,
    Done,
    GiveUp,
    Go,
    Place,
    Plan,
    Shift,
    Stage,
    Wait,
    blue_green,
    canary,
    first_place,
    linear,
    step,
    weights,
)

minutes = st.integers(0, 1440).map(lambda count: count * 60.0)
tenths = st.integers(1, 1000).map(lambda count: count / 10)
plans = st.one_of(
    st.builds(blue_green, minutes),
    st.builds(linear, tenths.filter(lambda percent: percent >= 3), minutes, minutes),
    st.builds(canary, tenths, minutes, minutes),
    st.just(WAY_BACK),
)


def places(plan: Plan, sources: int = 1) -> list[Place]:
    """Every place of a plan that meets no obstacle."""
    found = [first_place(plan, sources)]
    while True:
        free = Shift(plan, found[-1], DAY, shifted_for=DAY, ready=True, alone=True)
        match step(free):
            case Go(place):
                found.append(place)
            case Done():
                return found
            case other:
                raise AssertionError(other)


@given(plans, st.integers(0, 3))
def test_production_traffic_never_goes_back_on_the_way_and_ends_with_all(plan: Plan, sources: int) -> None:
    shares = [weights(plan, place).production for place in places(plan, sources)]
    if plan is WAY_BACK:
        assert shares == [None, None, 100.0, 100.0]
        return
    assert shares == sorted(share for share in shares if share is not None)
    assert shares[-1] == 100
    assert all(share is not None and 0 <= share <= 100 for share in shares)


@given(plans)
def test_green_never_has_traffic_before_its_tasks_are_healthy(plan: Plan) -> None:
    for place in places(plan):
        if place.stage in {Stage.RECONCILE_SERVICE, Stage.PRE_SCALE_UP, Stage.SCALE_UP}:
            assert not weights(plan, place).production
            assert not weights(plan, place).test
    waiting = step(Shift(plan, Place(Stage.SCALE_UP), 0.0, shifted_for=0.0, alone=True))
    assert isinstance(waiting, Wait)


@given(plans)
def test_no_hook_is_ever_skipped(plan: Plan) -> None:
    for place in places(plan):
        if place.stage not in {Stage.SCALE_UP, Stage.BAKE_TIME, Stage.CLEAN_UP}:
            held = Shift(plan, place, 0.0, shifted_for=DAY, ready=True, alone=True, hooks_passed=False)
            assert isinstance(step(held), Wait)


@given(plans)
def test_stages_come_in_order_and_only_those_of_the_shift_again(plan: Plan) -> None:
    seen = [place.stage for place in places(plan, sources=2)]
    order = list(Stage)
    shift = {Stage.PRE_PRODUCTION_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT}
    once = [stage for stage in seen if stage not in shift]
    assert once == [stage for stage in order if stage in plan.stages and stage not in shift]
    assert seen.count(Stage.PRODUCTION_TRAFFIC_SHIFT) == len(plan.shares)


@given(plans, st.floats(0, 2 * DAY))
def test_a_wait_that_is_told_ends(plan: Plan, elapsed: float) -> None:
    for place in places(plan):
        shift = Shift(plan, place, elapsed, shifted_for=elapsed, ready=True, alone=True)
        taken = step(shift)
        if isinstance(taken, Wait) and taken.seconds is not None:
            later = elapsed + taken.seconds + 1e-6
            after = step(replace(shift, elapsed=later, shifted_for=later))
            assert after != taken


def test_blue_green_goes_all_at_once_through_every_stage() -> None:
    plan = blue_green(600)
    assert [place.stage for place in places(plan)] == list(Stage)[1:]
    assert [place.stage for place in places(plan, sources=2)] == list(Stage)
    bake = Shift(plan, Place(Stage.BAKE_TIME), 599.0, shifted_for=599.0)
    assert step(bake) == Wait("the bake time to pass", 1.0)
    assert step(replace(bake, elapsed=600.0)) == Go(Place(Stage.CLEAN_UP))


def test_linear_steps() -> None:
    assert [share.percent for share in linear(30.0, 60, 0).shares] == [30.0, 60.0, 90.0, 100.0]
    assert [share.percent for share in linear(50.0, 60, 0).shares] == [50.0, 100.0]
    assert [share.percent for share in linear(100.0, 60, 0).shares] == [100.0]
    assert len(linear(3.0, 60, 0).shares) == 34
    assert linear(50.0, 60, 0).shares[-1].bake == 0


def test_each_step_bakes_before_the_next() -> None:
    plan = canary(5.0, 600, 0)
    first = Shift(plan, Place(Stage.PRODUCTION_TRAFFIC_SHIFT), 700.0, shifted_for=599.0)
    assert step(first) == Wait("the step of 5 % to bake", 1.0)
    assert step(replace(first, shifted_for=600.0)) == Go(Place(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT, 1))
    assert weights(plan, Place(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT, 1)).production == 5.0
    assert weights(plan, Place(Stage.PRODUCTION_TRAFFIC_SHIFT, 1)).production == 100.0


def test_the_way_back_is_short() -> None:
    stages = [Stage.SCALE_UP, Stage.TEST_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT, Stage.CLEAN_UP]
    assert [place.stage for place in places(WAY_BACK, sources=2)] == stages


@pytest.mark.parametrize("stage", [Stage.SCALE_UP, Stage.PRE_SCALE_UP, Stage.CLEAN_UP])
def test_no_stage_lasts_longer_than_a_day(stage: Stage) -> None:
    stuck = Shift(blue_green(0), Place(stage), DAY - 1, shifted_for=0.0, hooks_passed=False)
    assert step(stuck) == Wait(step(stuck).why, 1.0)  # type: ignore[union-attr]  # it waits
    assert step(replace(stuck, elapsed=DAY)) == GiveUp()
