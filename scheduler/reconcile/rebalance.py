"""Availability Zone rebalancing: a task more where there are too few, then one less where there are too many.

A service is balanced where no zone has two tasks more than another that could take one.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from scheduler.reconcile.scale_in import scale_in
from scheduler.reconcile.service_view import ServiceTask, ServiceView


def zone_counts(service: ServiceView, open_zones: Collection[str]) -> Mapping[str, int]:
    """Zone → tasks of the newest deployment; zones that could take one are there with 0."""
    counts = Counter(dict.fromkeys(open_zones, 0))
    counts.update(task.zone for task in service.tasks if task.primary)
    return dict(sorted(counts.items()))


def lacking(counts: Mapping[str, int], open_zones: Collection[str]) -> str | None:
    """The zone that is to get a task; None where all is balanced. Among equals the name decides."""
    candidates = [zone for zone in counts if zone in open_zones]
    if not candidates:
        return None
    poorest = min(candidates, key=lambda zone: (counts[zone], zone))
    return poorest if max(counts.values()) - counts[poorest] > 1 else None


def move_to(service: ServiceView, open_zones: Collection[str]) -> str | None:
    """The zone that a steady service is to get one more task in; None where none is, or the maximum leaves no room."""
    zone = lacking(zone_counts(service, open_zones), open_zones)
    room = len(service.tasks) + service.stopping < service.maximum
    return zone if room else None


def to_leave(service: ServiceView, zone: str, desired: int) -> ServiceTask | None:
    """The task that goes once the one in `zone` is healthy: of the fullest zone; None where none may."""
    healthy = sum(service.healthy(task) for task in service.tasks if task.primary)
    if healthy <= desired:
        return None
    counts = Counter(task.zone for task in service.tasks if task.primary)
    fullest = max(counts, key=lambda name: (counts[name], name))
    if fullest == zone:
        return None
    there = [task for task in service.tasks if task.primary and task.zone == fullest]
    return next(iter(scale_in(service, there, 1)), None)
