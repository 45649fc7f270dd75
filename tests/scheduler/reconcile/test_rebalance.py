"""Rebalancing brings zones together and never takes a healthy task too many."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.rebalance import lacking, move_to, to_leave, zone_counts
from scheduler.reconcile.service import Start, in_zone, step
from scheduler.reconcile.service_view import ServiceView
from tests.scheduler.reconcile.service_views import services, task

zones = st.sets(st.sampled_from("abc"))


@given(services, zones)
def test_the_maximum_is_never_exceeded(service: ServiceView, open_zones: set[str]) -> None:
    if move_to(service, open_zones) is not None:
        assert len(service.tasks) + service.stopping + 1 <= service.maximum


@given(services, st.sampled_from("abc"))
def test_no_task_leaves_before_there_is_a_healthy_one_more(service: ServiceView, zone: str) -> None:
    left = to_leave(service, zone, service.desired)
    if left is not None:
        healthy = [item for item in service.tasks if item.primary and service.healthy(item) and item != left]
        assert len(healthy) >= service.desired
        assert not left.held
        assert left.zone != zone


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), zones.filter(bool))
def test_moving_again_and_again_balances_what_can_be_balanced(places: list[str], open_zones: set[str]) -> None:
    tasks = tuple(task(str(number), zone=zone) for number, zone in enumerate(places))
    service = ServiceView(len(places), tasks)
    for number in range(30):
        zone = move_to(service, open_zones)
        if zone is None:
            assert lacking(zone_counts(service, open_zones), open_zones) is None
            return
        grown = replace(service, tasks=(*service.tasks, task(f"new{number}", zone=zone)))
        left = to_leave(grown, zone, service.desired)
        assert left is not None
        service = replace(grown, tasks=tuple(item for item in grown.tasks if item != left))
    raise AssertionError(service)


def test_one_task_more_is_balanced_two_are_not() -> None:
    assert lacking({"a": 2, "b": 1}, {"a", "b"}) is None
    assert lacking({"a": 3, "b": 1}, {"a", "b"}) == "b"
    assert lacking({"a": 3, "b": 1}, {"a"}) is None


@given(services, st.sampled_from("abc"))
def test_one_start_moves_at_most_and_what_replaces_others_is_placed_as_ever(service: ServiceView, zone: str) -> None:
    decision = step(service)
    bound = in_zone(decision, zone, service)
    assert (bound.started, bound.stops) == (decision.started, decision.stops)
    moved = sum(action.count for action in bound.actions if isinstance(action, Start) and action.zone)
    present = sum(item.primary for item in service.tasks)
    assert moved == min(1, decision.started if present < service.desired else 0)


def test_while_a_task_moves_one_that_drains_is_replaced_where_there_is_room() -> None:
    tasks = (*(task(str(number), zone="a") for number in range(3)), task("drains", zone="a", draining=True))
    before = ServiceView(5, tasks)  # four, and the one that moves
    assert in_zone(step(before), "b", before).actions == (Start(1, zone="b"), Start(1))
    moving = replace(before, tasks=(*tasks, task("new", zone="b")))
    assert in_zone(step(moving), "b", moving).actions == (Start(1),)
