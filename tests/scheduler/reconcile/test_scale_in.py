"""Which tasks go."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.scale_in import scale_in
from scheduler.reconcile.service_view import ScaleInRules, ServiceTask, ServiceView
from tests.scheduler.fleets import node
from tests.scheduler.reconcile.service_views import services, task


def chosen(tasks: list[ServiceTask], count: int, rules: ScaleInRules | None = None) -> list[str]:
    service = ServiceView(0, tuple(tasks), rules=rules or ScaleInRules())
    return [item.arn.removeprefix("task/") for item in scale_in(service, tasks, count)]


@given(services, st.integers(-2, 20))
def test_as_many_go_as_asked_each_once(service: ServiceView, count: int) -> None:
    gone = scale_in(service, service.tasks, count)
    assert (
        len({item.arn for item in gone})
        == len(gone)
        == min(max(count, 0), sum(not item.held for item in service.tasks))
    )


@given(services, st.integers(0, 8))
def test_healthy_tasks_go_only_after_all_others(service: ServiceView, count: int) -> None:
    gone = scale_in(service, service.tasks, count)
    left = set(service.tasks) - set(gone)
    if any(service.healthy(item) for item in gone):
        assert all(service.healthy(item) or item.held for item in left)


def test_what_does_not_run_goes_first() -> None:
    assert chosen([task("a"), task("b", running_for=None), task("c")], 1) == ["b"]


def test_the_fullest_zone_gives_up_tasks() -> None:
    tasks = [task(str(index), zone=zone) for index, zone in enumerate("aaab")]
    assert chosen(tasks, 2) == ["0", "1"]


def test_in_a_zone_the_fullest_host_gives_up_tasks() -> None:
    tasks = [task(str(index), zone="a", host=host) for index, host in enumerate("xyy")]
    assert chosen(tasks, 1) == ["1"]


def test_binpack_empties_the_host_that_is_left_with_most() -> None:
    nodes = {f"host/{index}": replace(node(index), remaining_memory=free) for index, free in enumerate([100, 900])}
    tasks = [task("full", host="host/0"), task("empty", host="host/1"), task("empty2", host="host/1")]
    rules = ScaleInRules((("binpack", "MEMORY"),), nodes, memory=64)
    assert chosen(tasks, 2, rules) == ["empty", "empty2"]


def test_spread_over_an_attribute_takes_from_its_fullest_value() -> None:
    nodes = {f"host/{index}": node(index, attributes={"rack": rack}) for index, rack in enumerate("pqq")}
    tasks = [task(str(index), host=f"host/{index}") for index in range(3)]
    assert chosen(tasks, 1, ScaleInRules((("spread", "attribute:rack"),), nodes)) == ["1"]
