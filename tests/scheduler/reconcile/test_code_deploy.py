"""CodeDeploy's way: its events in order, what never gets production traffic, what ends it and what waits."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.code_deploy import EVENTS, HOUR, Ending, Ready, Routing, View, plan_of, step
from scheduler.reconcile.traffic_shift import DAY, Done, Go, Place, Plan, Shift, Stage, Wait, first_place, weights

percents = st.integers(1, 99).map(float)
minutes = st.integers(1, 2880).map(float)
routings = st.one_of(
    st.just(Routing()),
    st.builds(Routing, st.sampled_from(["TimeBasedCanary", "TimeBasedLinear"]), percents, minutes),
)
plans = st.builds(plan_of, routings, st.none() | st.integers(0, 2880).map(float))
PAST_SHIFT = {Stage.PRODUCTION_TRAFFIC_SHIFT, Stage.POST_PRODUCTION_TRAFFIC_SHIFT, Stage.BAKE_TIME, Stage.CLEAN_UP}


def free(plan: Plan, place: Place) -> Shift:
    """A deployment that nothing keeps in its place."""
    return Shift(plan, place, 2 * DAY, shifted_for=2 * DAY, ready=True, alone=True)


def places(plan: Plan) -> list[Place]:
    """Every place of a plan that meets no obstacle."""
    found = [first_place(plan, 1)]
    while True:
        match step(View(free(plan, found[-1]))):
            case Go(place):
                found.append(place)
            case Done():
                return found
            case other:
                raise AssertionError(other)


@given(plans)
def test_every_event_comes_once_and_in_order(plan: Plan) -> None:
    stages = list(dict.fromkeys(place.stage for place in places(plan)))
    assert [EVENTS[stage] for stage in stages if stage in EVENTS] == list(EVENTS.values())
    asked = [place for place in places(plan) if place.stage is Stage.PRE_PRODUCTION_TRAFFIC_SHIFT]
    assert len(asked) == 1
    shares = [weights(plan, place).production for place in places(plan)]
    assert shares == sorted(share for share in shares if share is not None)
    assert shares[-1] == 100


@given(plans, st.floats(0, 2880 * 60), st.none() | st.floats(0, 3000 * 60))
def test_production_traffic_never_moves_without_the_approval_that_is_asked_for(
    plan: Plan, limit: float, waited: float | None
) -> None:
    for place in places(plan):
        found = step(View(free(plan, place), approval=limit, waited=waited))
        if place.stage not in PAST_SHIFT | {Stage.PRE_PRODUCTION_TRAFFIC_SHIFT} and isinstance(found, Go):
            assert found.place.stage is not Stage.PRE_PRODUCTION_TRAFFIC_SHIFT
    held = View(free(plan, Place(Stage.POST_TEST_TRAFFIC_SHIFT)), approval=limit, waited=waited)
    match step(held):
        case Ready():
            assert waited is None
        case Wait(_, seconds):
            assert waited is not None
            assert seconds == limit - waited > 0
        case Ending(status):
            assert waited is not None
            assert (status, waited >= limit) == ("Stopped", True)
        case other:
            raise AssertionError(other)
    assert step(replace(held, approved=True)) == Go(Place(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT))


@given(plans, st.booleans())
def test_whatever_is_wrong_ends_it_wherever_it_is(plan: Plan, approved: bool) -> None:
    for place in places(plan):
        view = View(free(plan, place), approved=approved)
        stopped = step(replace(view, stop="by me", alarms=("a",), fault=("INTERNAL_ERROR", "x")))
        assert isinstance(stopped, Ending)
        assert (stopped.status, stopped.event) == ("Stopped", "DEPLOYMENT_STOP_ON_REQUEST")
        alarmed = step(replace(view, alarms=("a", "b")))
        assert isinstance(alarmed, Ending)
        assert (alarmed.code, "<a, b>" in alarmed.message) == ("ALARM_ACTIVE", True)
        failed = step(replace(view, fault=("HOOK_EXECUTION_FAILURE", "x")))
        assert failed == Ending("Failed", "HOOK_EXECUTION_FAILURE", "x", "DEPLOYMENT_FAILURE")


def test_the_replacement_task_set_has_an_hour() -> None:
    shift = Shift(plan_of(Routing(), 5), Place(Stage.SCALE_UP), HOUR - 1, shifted_for=HOUR - 1, alone=True)
    assert step(View(shift)) == Wait("the new tasks to be healthy", 1.0)
    ended = step(View(replace(shift, elapsed=HOUR)))
    assert isinstance(ended, Ending)
    assert ended.message.endswith("This time out period is 60 minutes.")
    assert step(View(replace(shift, elapsed=HOUR, ready=True))) == Go(Place(Stage.POST_SCALE_UP))


def test_the_wait_for_the_termination_can_be_ended() -> None:
    shift = Shift(plan_of(Routing(), 2880), Place(Stage.BAKE_TIME), 0.0, shifted_for=0.0)
    assert step(View(replace(shift, elapsed=DAY))) == Wait("the bake time to pass", DAY)
    assert step(View(shift, keeps_waiting=False)) == Go(Place(Stage.CLEAN_UP))


def test_an_original_task_set_that_is_kept_is_not_waited_for() -> None:
    assert places(plan_of(Routing(), None))[-1].stage is Stage.POST_PRODUCTION_TRAFFIC_SHIFT
