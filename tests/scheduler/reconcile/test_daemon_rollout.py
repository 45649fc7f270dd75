"""What a deployment of a daemon may never do, and how it ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.daemon import DaemonView, step
from scheduler.reconcile.daemon_rollout import RolloutView, Verdict, fewest_healthy, judge
from scheduler.reconcile.service import Why
from scheduler.reconcile.service_view import ServiceView
from tests.scheduler.reconcile.service_views import task

views = st.builds(
    RolloutView,
    steady_for=st.none() | st.floats(0, 10**5),
    bake=st.floats(0, 10**5),
    failed_tasks=st.integers(0, 10),
    threshold=st.integers(1, 10),
    triggered=st.sampled_from([(), ("a",), ("a", "b")]),
    returns=st.booleans(),
    has_earlier=st.booleans(),
)


@given(views)
def test_success_is_never_said_before_every_host_is_well_and_the_bake_time_is_over(view: RolloutView) -> None:
    if judge(view).verdict is Verdict.SUCCEED:
        assert view.steady_for is not None
        assert view.returns or view.steady_for >= view.bake
        assert view.failed_tasks < view.threshold
        assert view.returns or not view.triggered


@given(views)
def test_nothing_goes_back_twice_or_to_nowhere(view: RolloutView) -> None:
    outcome = judge(view)
    if outcome.verdict is Verdict.ROLL_BACK:
        assert view.has_earlier
        assert not view.returns
    assert bool(outcome.reason) is (outcome.verdict in {Verdict.ROLL_BACK, Verdict.GIVE_UP})


@given(views)
def test_a_bake_time_ends(view: RolloutView) -> None:
    outcome = judge(view)
    if outcome.look_again is not None and view.steady_for is not None:
        later = replace(view, steady_for=view.bake)
        assert outcome.look_again > 0
        assert judge(later).verdict is Verdict.SUCCEED


@given(st.integers(0, 5000), st.floats(0, 100))
def test_never_more_hosts_at_once_than_the_percentage_but_always_one(hosts: int, percent: float) -> None:
    drained = hosts - fewest_healthy(hosts, percent)
    assert drained <= max(1, hosts * percent / 100)
    assert drained >= min(1, hosts)


@given(st.integers(1, 60), st.floats(0, 100), st.integers(0, 60))
def test_a_step_of_a_deployment_keeps_to_it(hosts: int, percent: float, new: int) -> None:
    names = tuple(map(str, range(hosts)))
    tasks = tuple(task(name, host=name, primary=int(name) < new) for name in names)
    fewest = fewest_healthy(hosts, percent)
    view = DaemonView(ServiceView(hosts, tasks), names, fewest=fewest)
    stopped = [stop for stop in step(view).stops if stop.why is Why.REPLACED]
    assert hosts - len(stopped) >= fewest
    assert stopped or new >= hosts


@pytest.mark.parametrize(
    ("hosts", "percent", "fewest"), [(4, 25, 3), (4, 50, 2), (3, 10, 2), (10, 0, 9), (10, 100, 0), (0, 25, 0)]
)
def test_how_many_stay(hosts: int, percent: float, fewest: int) -> None:
    assert fewest_healthy(hosts, percent) == fewest
