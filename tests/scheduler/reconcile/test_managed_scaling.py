"""What a minute's CapacityProviderReservation means for an Auto Scaling group."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.reconcile.managed_scaling import Bin, GroupView, Item, Settings, decide, hosts_for, reservation

GROUP = GroupView(hosts=0, busy=0, more=0, desired=0, minimum=0, maximum=10)


@some.composite
def groups(draw: some.DrawFn) -> GroupView:
    hosts = draw(some.integers(0, 50))
    minimum = draw(some.integers(0, 10))
    maximum = draw(some.integers(minimum, 60))
    return GroupView(
        hosts=hosts,
        busy=draw(some.integers(0, hosts)),
        more=draw(some.integers(0, 30)),
        desired=draw(some.integers(minimum, maximum)),
        minimum=minimum,
        maximum=maximum,
        low_minutes=draw(some.integers(0, 20)),
        since_scale_out=draw(some.none() | some.floats(0, 1000)),
    )


settings = some.builds(Settings, some.integers(1, 100), some.integers(1, 5), some.integers(5, 50), some.floats(0, 600))


@pytest.mark.parametrize(
    ("needed", "hosts", "value"), [(0, 0, 100), (3, 0, 200), (2, 4, 50), (4, 4, 100), (5, 4, 125), (1, 3, 34)]
)
def test_the_formula(needed: int, hosts: int, value: float) -> None:
    assert reservation(needed, hosts) == value


def test_a_group_without_hosts_begins_with_two() -> None:
    assert decide(replace(GROUP, more=1), Settings()).desired == 2
    assert decide(replace(GROUP, more=5), Settings()).desired == 5
    assert decide(replace(GROUP, more=5, maximum=1), Settings()).desired == 1
    assert decide(replace(GROUP, more=5, desired=5), Settings()).desired is None  # they are on their way


def test_a_step_has_bounds() -> None:
    group = replace(GROUP, hosts=2, busy=2, more=6, desired=2)
    assert decide(group, Settings()).desired == 8
    assert decide(group, Settings(most_step=3)).desired == 5
    assert decide(replace(group, more=1), Settings(least_step=4)).desired == 6
    assert decide(group, Settings(target=80)).desired == 10


def test_it_shrinks_after_fifteen_minutes_by_half_at_most() -> None:
    group = replace(GROUP, hosts=8, busy=1, desired=8)
    minutes = 0
    for minute in range(1, 15):
        found = decide(replace(group, low_minutes=minutes), Settings())
        assert (found.desired, found.low_minutes) == (None, minute)
        minutes = found.low_minutes
    assert decide(replace(group, low_minutes=14), Settings()).desired == 4
    assert decide(replace(group, low_minutes=14, since_scale_out=200), Settings()).desired is None
    assert decide(replace(group, low_minutes=14, minimum=6), Settings()).desired == 6


def test_waiting_tasks_are_packed() -> None:
    host = Bin(2048, 8000, enis=2)
    assert hosts_for([Item(1024, 100)] * 4, host) == 2
    assert hosts_for([Item(100, 100, needs_eni=True)] * 5, host) == 3
    assert hosts_for([Item(100, 100, ports=frozenset({80}))] * 3, host) == 3
    assert hosts_for([Item(4096, 100)], host) == 0


@given(groups(), settings)
def test_the_group_never_leaves_its_bounds_nor_a_step_its_own(group: GroupView, found: Settings) -> None:
    desired = decide(group, found).desired
    if desired is None:
        return
    assert group.minimum <= desired <= group.maximum
    assert abs(desired - group.desired) <= found.most_step
    assert desired != group.desired


@given(groups(), settings)
def test_it_never_shrinks_below_what_is_needed_nor_while_tasks_wait_in_vain(group: GroupView, found: Settings) -> None:
    decision = decide(group, found)
    if decision.desired is not None and decision.desired < group.desired:
        assert decision.desired >= group.busy + group.more or decision.desired == group.maximum
        assert decision.reservation < found.target
        assert group.low_minutes >= 14


@given(some.lists(some.builds(Item, some.integers(1, 64), some.integers(1, 64)), max_size=30))
def test_packing_is_no_worse_than_a_host_a_task_nor_better_than_the_sums(items: list[Item]) -> None:
    host = Bin(64, 64)
    found = hosts_for(items, host)
    assert found <= len(items)
    assert found * 64 >= max(sum(item.cpu for item in items), sum(item.memory for item in items), 0)
