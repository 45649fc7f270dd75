"""Rules that must hold for every service there could be, and AWS's documented examples of rolling updates."""

from dataclasses import replace

import pytest
from hypothesis import given

from scheduler.reconcile.service import Decision, Start, Stop, Why, step
from scheduler.reconcile.service_view import ServiceView
from tests.scheduler.reconcile.service_views import after, crowd, services, task


@given(services)
def test_a_step_never_takes_the_service_below_its_healthy_minimum(service: ServiceView) -> None:
    stopped = {stop.task_arn for stop in step(service).stops}
    healthy = [item for item in service.tasks if service.healthy(item)]
    left = sum(item.arn not in stopped for item in healthy)
    assert left >= min(len(healthy), service.minimum_healthy)


def test_a_healthy_task_does_not_go_for_a_protected_one_that_is_not_up_yet() -> None:
    protected = task("2", running_for=None, protected_for=60.0)
    taken = step(ServiceView(1, (task("1"), protected), minimum_percent=50))
    assert not taken.stops
    assert taken.held_by_protection


@given(services)
def test_a_step_never_starts_above_the_maximum(service: ServiceView) -> None:
    started = step(service).started
    assert not started or len(service.tasks) + service.stopping + started <= service.maximum


@given(services)
def test_a_step_does_not_more_at_once_than_it_may(service: ServiceView) -> None:
    taken = step(service)
    assert taken.started <= service.at_once
    assert len(taken.stops) <= service.at_once


@given(services)
def test_neither_scaling_in_nor_a_deployment_stops_a_protected_task(service: ServiceView) -> None:
    held = {item.arn for item in service.tasks if item.held}
    assert not any(stop.task_arn in held for stop in step(service).stops if stop.why is not Why.UNHEALTHY)


def test_more_protected_tasks_than_desired_are_told() -> None:
    safe = crowd(3, primary=True, protected_for=60.0)
    taken = step(ServiceView(1, safe))
    assert (taken.actions, taken.steady, taken.held_by_protection, taken.look_again) == ((), False, True, 60.0)
    taken = step(ServiceView(1, (*safe[:1], task("free"))))
    assert (taken.actions, taken.held_by_protection) == ((Stop("task/free", Why.SURPLUS),), False)


def test_an_old_task_that_is_protected_holds_the_deployment_up() -> None:
    taken = step(ServiceView(1, (*crowd(1, protected_for=60.0), task("new"))))
    assert (taken.actions, taken.steady, taken.look_again) == ((), False, 60.0)


@given(services)
def test_held_back_services_start_nothing(service: ServiceView) -> None:
    assert step(replace(service, may_start=False)).started == 0


def test_what_failed_to_start_is_replaced_once_it_is_gone_so_that_it_counts_first() -> None:
    failing = ServiceView(desired=2, tasks=crowd(1, primary=True), stopping=1, failing_to_start=1)
    assert step(failing).started == 0
    assert step(replace(failing, stopping=0, failing_to_start=0)).started == 1


@given(services)
def test_steady_is_said_only_of_what_is_as_desired(service: ServiceView) -> None:
    taken = step(service)
    if taken.steady:
        assert not taken.actions
        assert not service.still_up
        assert len(service.tasks) == service.desired
        assert all(item.primary and not item.draining and service.healthy(item) for item in service.tasks)


@given(services)
def test_every_service_becomes_steady_unless_its_configuration_leaves_no_way(service: ServiceView) -> None:
    for number in range(80):
        taken = step(service)
        if taken.steady:
            return
        settled = all(item.running_for and item.health != "UNKNOWN" for item in service.tasks)
        stuck = not taken.actions and settled and not service.stopping
        if taken.blocked or (stuck and taken.look_again is None):
            assert service.minimum_healthy >= service.desired
            assert service.maximum <= service.desired
            return
        service = after(service, taken, number)
    pytest.fail(f"it never became steady: {service}")


@given(services)
def test_every_action_has_a_reason(service: ServiceView) -> None:
    taken = step(service)
    assert bool(taken.reasons) or not taken.actions


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
    taken = step(ServiceView(desired, crowd(desired), minimum, maximum))
    assert (taken.started, len(taken.stops)) == (start, stop)


def test_two_are_stopped_and_two_started_in_turn() -> None:
    service = ServiceView(4, crowd(4), 50, 100)
    history = []
    for number in range(8):
        taken = step(service)
        if taken.actions:
            history.append((taken.started, len(taken.stops)))
        service = after(service, taken, number)
    assert history == [(0, 2), (2, 0), (0, 2), (2, 0)]


@pytest.mark.parametrize(("desired", "minimum", "maximum"), [(1, 100, 100), (3, 100, 125)])
def test_an_update_without_room_is_said_to_be_blocked(desired: int, minimum: int, maximum: int) -> None:
    taken = step(ServiceView(desired, crowd(desired), minimum, maximum))
    assert taken.blocked
    assert not taken.actions


def test_a_stopped_task_leaves_room_only_once_it_is_gone() -> None:
    assert step(ServiceView(1, (), 0, 100, stopping=1)).started == 0
    assert step(ServiceView(1, (), 0, 100)).started == 1


def test_new_tasks_without_checks_replace_old_ones_after_they_have_settled() -> None:
    young = task("new", running_for=39.0)
    taken = step(ServiceView(1, (*crowd(1), young)))
    assert (taken.actions, taken.look_again) == ((), 1.0)
    taken = step(ServiceView(1, (*crowd(1), replace(young, running_for=40.0))))
    assert taken.actions == (Stop("task/old/0", Why.REPLACED),)
    assert step(ServiceView(1, (*crowd(1), young), settling=0)).stops


def test_tasks_that_replace_nothing_need_not_settle() -> None:
    assert step(ServiceView(1, (task(running_for=0.0),))).steady


def test_new_tasks_with_checks_replace_old_ones_when_they_are_healthy() -> None:
    assert not step(ServiceView(1, (*crowd(1), task("new", health="UNKNOWN")))).actions
    assert step(ServiceView(1, (*crowd(1), task("new", running_for=1.0, health="HEALTHY")))).stops


def test_an_unhealthy_task_is_replaced_first_and_stopped_then() -> None:
    ill = task("ill", health="UNHEALTHY")
    assert step(ServiceView(1, (ill,))).actions == (Start(1, unhealthy=1),)
    assert step(ServiceView(1, (ill, task("new", running_for=None)))).actions == ()
    assert step(ServiceView(1, (ill, task("new")))).actions == (Stop("task/ill", Why.UNHEALTHY),)


def test_an_unhealthy_task_makes_room_where_there_is_none() -> None:
    ill = task("ill", health="UNHEALTHY")
    assert step(ServiceView(1, (ill,), 100, 100)).actions == (Stop("task/ill", Why.UNHEALTHY),)


def test_failed_checks_do_not_count_during_the_grace_period() -> None:
    ill = task("ill", running_for=10.0, health="UNHEALTHY")
    assert step(ServiceView(1, (ill,), grace=60)) == Decision(look_again=50.0)


def test_tasks_of_draining_hosts_go_when_their_replacements_run() -> None:
    there = task("there", draining=True)
    assert step(ServiceView(1, (there,))).actions == (Start(1),)
    assert step(ServiceView(1, (there, task("new")))).actions == (Stop("task/there", Why.DRAINING),)
    assert step(ServiceView(1, (replace(there, running_for=None),))).stops


def test_what_still_runs_keeps_a_service_from_being_steady() -> None:
    assert not step(ServiceView(1, (task(),), stopping=1, still_up=1)).steady
    assert step(ServiceView(1, (task(),), stopping=1)).steady


def test_more_than_one_step_starts_at_once_is_said() -> None:
    taken = step(ServiceView(250, ()))
    assert (taken.started, taken.more) == (50, True)
