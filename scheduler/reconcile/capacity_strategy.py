"""How tasks are divided among capacity providers: the base first, then in the proportion of the weights.

That the ratio is kept is documented; which provider a single task goes to (the one that is furthest behind its share, the
earlier one where two are) is ECS's own and not (unconfirmed).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One provider of a strategy."""

    provider: str
    weight: int = 0
    base: int = 0


def split(count: int, running: Mapping[str, int], strategy: Sequence[Item]) -> dict[str, int]:
    """Provider → how many of `count` new tasks it gets, beside those that it has; providers that get none are left out."""
    given: dict[str, int] = {}
    left = count
    for item in strategy:
        short = min(left, max(0, item.base - running.get(item.provider, 0)))
        if short:
            given[item.provider] = short
            left -= short
    weights = _weights(strategy)
    total = sum(weights.values())
    if not left or not total:
        return given
    shared = {
        item.provider: max(0, running.get(item.provider, 0) + given.get(item.provider, 0) - item.base)
        for item in strategy
        if item.provider in weights
    }
    whole = sum(shared.values()) + left
    for _ in range(left):
        behind = max(shared, key=lambda name: weights[name] * whole - shared[name] * total)
        shared[behind] += 1
        given[behind] = given.get(behind, 0) + 1
    return given


def _weights(strategy: Sequence[Item]) -> dict[str, int]:
    """A provider alone needs no weight."""
    if len(strategy) == 1:
        return {strategy[0].provider: 1}
    return {item.provider: item.weight for item in strategy if item.weight}
