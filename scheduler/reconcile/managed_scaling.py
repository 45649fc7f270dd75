"""Managed scaling of a capacity provider: how many hosts its Auto Scaling group is to have, and why.

CapacityProviderReservation is M / N x 100: M hosts are needed for all tasks, N are there. Target tracking keeps it at the
provider's target: above it for one minute the group grows, below it for fifteen it shrinks. The bounds of a step and
the counts are AWS's; how M is estimated and how fast a group shrinks is what the deep-dive articles tell (unconfirmed).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

SCALE_IN_MINUTES = 15
_FROM_ZERO = 2
"""Hosts that a group without any begins with."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`managedScaling` of a provider."""

    target: int = 100
    least_step: int = 1
    most_step: int = 10000
    warm_up: float = 300
    """Seconds after a scale-out in which nothing is taken away."""


@dataclass(frozen=True, slots=True)
class Bin:
    """What one more host of the group would offer, or has left."""

    cpu: int
    memory: int
    enis: int = 0
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Item:
    """What a waiting task asks for."""

    cpu: int
    memory: int
    needs_eni: bool = False
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class GroupView:
    """The group and its hosts at one minute."""

    hosts: int
    """N: those that take tasks."""
    busy: int
    """Those of them that run a task of a service that is no DAEMON, or a standalone one."""
    more: int
    """Hosts that the waiting tasks need beside."""
    desired: int
    minimum: int
    maximum: int
    low_minutes: int = 0
    """For how many minutes the reservation has been below the target."""
    since_scale_out: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One minute of managed scaling."""

    reservation: float
    low_minutes: int
    desired: int | None = None
    """What the group's desired capacity is to be; None where it stays."""
    reasons: tuple[str, ...] = field(default=())


def hosts_for(waiting: Sequence[Item], host: Bin, most: int = 10000) -> int:
    """How many empty hosts take the waiting tasks, the largest first; those that fit on none count for nothing."""
    bins: list[Bin] = []
    for item in sorted(waiting, key=lambda item: (item.cpu, item.memory), reverse=True):
        if not _fits(item, host):
            continue
        found = next((index for index, one in enumerate(bins) if _fits(item, one)), None)
        if found is not None:
            bins[found] = _less(bins[found], item)
        elif len(bins) < most:
            bins.append(_less(host, item))
    return len(bins)


def _fits(item: Item, host: Bin) -> bool:
    roomy = item.cpu <= host.cpu and item.memory <= host.memory
    return roomy and not item.ports & host.ports and (host.enis > 0 or not item.needs_eni)


def _less(host: Bin, item: Item) -> Bin:
    return Bin(host.cpu - item.cpu, host.memory - item.memory, host.enis - item.needs_eni, host.ports | item.ports)


def reservation(needed: int, hosts: int) -> float:
    """M / N in percent; 100 where both are 0, 200 where only N is."""
    if hosts == 0:
        return 200.0 if needed else 100.0
    return ceil(needed * 100 / hosts)


def decide(group: GroupView, settings: Settings) -> Decision:
    """What this minute's reservation means for the group."""
    needed = group.busy + group.more
    value = reservation(needed, group.hosts)
    low = group.low_minutes + 1 if value < settings.target else 0
    why = f"CapacityProviderReservation is {value:g} ({needed} hosts needed, {group.hosts} there), the target {settings.target}"
    if value > settings.target:
        desired = _grown(group, settings, needed)
        if desired > group.desired:
            return Decision(value, 0, desired, (f"{why}: from {group.desired} to {desired}.",))
        return Decision(
            value, 0, None, (f"{why}: {group.desired} are on their way, or as many as the group may have.",)
        )
    warming = group.since_scale_out is not None and group.since_scale_out < settings.warm_up
    if low < SCALE_IN_MINUTES or warming:
        return Decision(value, low)
    desired = _shrunk(group, settings, needed)
    if desired < group.desired:
        return Decision(value, low, desired, (f"{why} for {low} minutes: from {group.desired} to {desired}.",))
    return Decision(value, low)


def _grown(group: GroupView, settings: Settings, needed: int) -> int:
    """Enough for the target, by a step within the bounds; what was asked for before and is not there yet counts."""
    if group.hosts == 0 and group.desired == 0:
        wanted = max(_FROM_ZERO, _at_target(settings, needed))
    else:
        wanted = _at_target(settings, needed)
    step = wanted - group.desired
    if step <= 0:
        return group.desired
    step = min(max(step, settings.least_step), settings.most_step)
    return min(group.desired + step, group.maximum)


def _shrunk(group: GroupView, settings: Settings, needed: int) -> int:
    """Not below what is needed at the target, and at most half of the group in a minute."""
    step = min(group.desired - _at_target(settings, needed), max(1, group.desired // 2), settings.most_step)
    return max(group.desired - max(0, step), group.minimum)


def _at_target(settings: Settings, needed: int) -> int:
    return ceil(needed * 100 / settings.target)
