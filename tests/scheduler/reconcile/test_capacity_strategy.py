"""Tasks are divided as a strategy says, whatever runs already."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.reconcile.capacity_strategy import Item, split

NAMES = ("FARGATE", "FARGATE_SPOT", "third")
weights = some.lists(some.integers(0, 10), min_size=2, max_size=3).filter(any)


@some.composite
def strategies(draw: some.DrawFn) -> list[Item]:
    drawn = draw(weights)
    based = draw(some.integers(0, len(drawn) - 1))
    base = draw(some.integers(0, 6))
    return [Item(NAMES[index], weight, base if index == based else 0) for index, weight in enumerate(drawn)]


@pytest.mark.parametrize(
    ("count", "running", "strategy", "expected"),
    [
        (9, {}, [Item("a", 1, 1), Item("b", 3)], {"a": 3, "b": 6}),
        (4, {}, [Item("a", 1), Item("b", 3)], {"a": 1, "b": 3}),
        (1, {}, [Item("a", 1), Item("b", 3)], {"b": 1}),
        (5, {}, [Item("a")], {"a": 5}),
        (3, {}, [Item("a", 0, 2), Item("b", 1)], {"a": 2, "b": 1}),
        (2, {"a": 2}, [Item("a", 1, 2), Item("b", 1)], {"a": 1, "b": 1}),
        (3, {"a": 3}, [Item("a", 1), Item("b", 1)], {"b": 3}),
        (0, {}, [Item("a", 1)], {}),
    ],
)
def test_base_first_then_weights(
    count: int, running: dict[str, int], strategy: list[Item], expected: dict[str, int]
) -> None:
    assert split(count, running, strategy) == expected


@given(some.integers(0, 60), strategies(), some.dictionaries(some.sampled_from(NAMES), some.integers(0, 20)))
def test_every_task_goes_somewhere_and_a_base_comes_first(
    count: int, strategy: list[Item], running: dict[str, int]
) -> None:
    found = split(count, running, strategy)
    assert sum(found.values()) == count
    for item in strategy:
        short = max(0, item.base - running.get(item.provider, 0))
        assert found.get(item.provider, 0) >= min(count, short)
        if not item.weight:  # it is used for its base only
            assert found.get(item.provider, 0) <= short


@given(some.integers(0, 200), strategies())
def test_nobody_is_more_than_a_task_away_from_its_share(count: int, strategy: list[Item]) -> None:
    found = split(count, {}, strategy)
    base = sum(item.base for item in strategy)
    total = sum(item.weight for item in strategy)
    for item in strategy:
        beyond = found.get(item.provider, 0) - item.base
        if count > base and item.weight:
            assert abs(beyond - item.weight / total * (count - base)) < len(strategy)


@given(some.integers(1, 40), strategies())
def test_one_by_one_ends_as_all_at_once_does_within_a_task(count: int, strategy: list[Item]) -> None:
    running: dict[str, int] = {}
    for _ in range(count):
        for name, more in split(1, running, strategy).items():
            running[name] = running.get(name, 0) + more
    at_once = split(count, {}, strategy)
    assert all(abs(running.get(name, 0) - at_once.get(name, 0)) < len(strategy) for name in NAMES)
