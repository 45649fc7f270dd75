"""Which targets of a group get requests, and in what proportion: from what is known of them, without touching anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from math import gcd

from emulator.balancer.model import TargetGroup

_SLOTS = 240
"""The longest turn in which shares are kept exactly; finer weights are rounded to it."""
_STEPS = 10
"""Slow start goes up in so many steps (AWS: linearly)."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A target that the proxy may hand requests to."""

    address: str
    """`HOST:PORT`."""
    weight: int = _STEPS
    revision: str = ""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A target as rows and addresses tell of it."""

    address: str | None
    """None where nothing is known that could be connected to."""
    state: str
    revision: str = ""
    simulated: bool = False
    healthy_since: datetime | None = None
    drained: bool = False
    doubtful: bool = False
    """It was healthy before the start and has passed no check since."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The backends of a group."""

    group: TargetGroup
    backends: tuple[Backend, ...]
    draining: tuple[str, ...] = ()
    """Addresses whose last requests are counted."""


def pool_of(group: TargetGroup, targets: Sequence[Known], now: datetime) -> Pool:
    """The healthy targets, those first that nobody doubts; where there is none the unhealthy ones, as ELB fails open.

    New targets wait.
    """
    draining = tuple(t.address for t in targets if t.state == "draining" and not t.drained and t.address)
    usable = [target for target in targets if target.state in {"healthy", "unavailable"} and target.address]
    usable = [target for target in usable if not target.doubtful] or usable
    if not usable:
        usable = [target for target in targets if target.state == "unhealthy" and target.address]
    backends = tuple(
        Backend(target.address or "", _weight(group, target, now), target.revision, target.simulated)
        for target in usable
    )
    return Pool(group, backends, draining)


def _weight(group: TargetGroup, target: Known, now: datetime) -> int:
    if not group.slow_start_seconds or target.healthy_since is None:
        return _STEPS
    passed = (now - target.healthy_since).total_seconds() / group.slow_start_seconds
    return max(1, min(_STEPS, int(passed * _STEPS)))


def still_slow(group: TargetGroup, target: Known, now: datetime) -> bool:
    """Whether the target's share will change as time passes."""
    return target.state == "healthy" and _weight(group, target, now) < _STEPS


def turns(weights: Sequence[int]) -> list[int]:
    """Indexes in the order of their turns, each as often as its weight says, spread evenly over the whole."""
    divisor = reduce(gcd, weights, 0)
    if not divisor:
        return []
    wanted = [weight // divisor for weight in weights]
    total = sum(wanted)
    if total > _SLOTS:
        wanted = [max(1, round(weight * _SLOTS / total)) if weight else 0 for weight in wanted]
        total = sum(wanted)
    credit, order = [0] * len(wanted), []
    for _ in range(total):
        credit = [have + add for have, add in zip(credit, wanted, strict=True)]
        best = max(range(len(wanted)), key=lambda index: credit[index])
        credit[best] -= total
        order.append(best)
    return order
