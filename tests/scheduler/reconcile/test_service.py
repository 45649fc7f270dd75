"""Rules that must hold for every service there could be, and AWS's documented examples of rolling updates."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.service import ServiceStep, ServiceTask, ServiceView, scale_in, step

tasks = st.builds(
    lambda number, primary, running, healthy, failing, zone: ServiceTask(
        f"task/{number}", primary, running, running and healthy and not failing, running and failing, zone
    ),
    st.integers(0, 10**9),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from("abc"),
)
services = st.builds(
    ServiceView,
    desired=st.integers(0, 8),
    tasks=st.lists(tasks, max_size=12, unique_by=lambda task: task.arn).map(tuple),
    minimum_percent=st.sampled_from([0, 50, 75, 100]),
    maximum_percent=st.sampled_from([100, 125, 150, 200]),
)


def new(number: int, *, running: bool = False, healthy: bool = False) -> ServiceTask:
    return ServiceTask(f"new/{number}", primary=True, running=running, healthy=healthy)


def after(service: ServiceView, taken: ServiceStep, number: int) -> ServiceView:
    """The service once the step was carried out and every task it started runs and is healthy."""
    left = [task for task in service.tasks if task.arn not in taken.stop]
    well = [replace(task, running=True, healthy=not task.failing) for task in left]
    return replace(service, tasks=(*well, *(new(number * 100 + i) for i in range(taken.start))))


@given(services)
def test_a_step_never_takes_the_service_below_its_healthy_minimum(service: ServiceView) -> None:
    taken = step(service)
    healthy = [task for task in service.tasks if task.healthy]
    left = sum(task.arn not in taken.stop for task in healthy)
    assert left >= min(len(healthy), service.minimum_healthy)


@given(services)
def test_a_step_never_starts_above_the_maximum(service: ServiceView) -> None:
    taken = step(service)
    assert not taken.start or len(service.tasks) + taken.start <= max(service.maximum, service.desired)


@given(services)
def test_held_back_services_start_nothing(service: ServiceView) -> None:
    assert step(replace(service, may_start=False)).start == 0


@given(services)
def test_steady_is_said_only_of_what_is_as_desired(service: ServiceView) -> None:
    if step(service).steady:
        assert len(service.tasks) == service.desired
        assert all(task.primary and task.running and task.healthy for task in service.tasks)


@given(services)
def test_every_service_that_may_move_becomes_steady(service: ServiceView) -> None:
    service = replace(service, minimum_percent=50, maximum_percent=200, desired=max(service.desired, 1))
    for number in range(60):
        taken = step(service)
        if taken.steady:
            return
        service = after(service, taken, number)
    pytest.fail(f"it never became steady: {service}")


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "start", "stop"),
    [
        (4, 100, 200, 4, 0),
        (4, 50, 100, 0, 2),
        (4, 50, 200, 4, 2),
        (1, 100, 200, 1, 0),
        (1, 0, 100, 0, 1),
        (2, 75, 200, 2, 0),
        (10, 90, 110, 1, 1),
    ],
)
def test_first_step_of_a_rolling_update(desired: int, minimum: int, maximum: int, start: int, stop: int) -> None:
    old = tuple(ServiceTask(f"old/{i}", primary=False, running=True, healthy=True) for i in range(desired))
    taken = step(ServiceView(desired, old, minimum, maximum))
    assert (taken.start, len(taken.stop)) == (start, stop)


@pytest.mark.parametrize(("desired", "minimum", "maximum"), [(1, 100, 100), (3, 100, 125)])
def test_an_update_without_room_is_said_to_be_blocked(desired: int, minimum: int, maximum: int) -> None:
    old = tuple(ServiceTask(f"old/{i}", primary=False, running=True, healthy=True) for i in range(desired))
    assert step(ServiceView(desired, old, minimum, maximum)) == ServiceStep(blocked=True)


def test_scale_in_takes_from_the_fullest_zone_and_what_does_not_run_first() -> None:
    crowd = [new(i, running=True, healthy=True) for i in range(4)]
    placed = [replace(task, zone=zone) for task, zone in zip(crowd, "aaab", strict=True)]
    assert [task.zone for task in scale_in(placed, 2)] == ["a", "a"]
    assert scale_in([*placed, new(9)], 1) == [new(9)]
