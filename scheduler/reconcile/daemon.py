"""One step of a DAEMON service: one task on every host that fits, none elsewhere.

A host has room for one task of the service only, so that an older task goes before its successor starts. On a host that
is draining the task goes last, when no other tasks are left there.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.reconcile.service import Decision, Start, Stop, Why
from scheduler.reconcile.service_view import ServiceTask, ServiceView


@dataclass(frozen=True, slots=True)
class DaemonView:
    """What is wanted and what is known."""

    service: ServiceView
    """Its `desired` is the number of `hosts`."""
    hosts: tuple[str, ...]
    """Those that are to have a task, in the order in which they get one."""
    lingering: frozenset[str] = frozenset()
    """Draining hosts on which other tasks are left."""
    emptying: frozenset[str] = frozenset()
    """Hosts on which a task of the service was told to stop and is not STOPPED."""
    fewest: int | None = None
    """How many tasks must stay healthy, where that is not the service's percentage."""


def step(view: DaemonView) -> Decision:
    """The next step."""
    service, wanted = view.service, set(view.hosts)
    by_host: defaultdict[str, list[ServiceTask]] = defaultdict(list)
    for task in service.tasks:
        by_host[task.host].append(task)
    stops: list[Stop] = []
    kept: list[ServiceTask] = []
    for host, tasks in by_host.items():
        if host in wanted:
            first, *others = sorted(tasks, key=lambda task: _missed(service, task), reverse=True)
            kept.append(first)
            stops += [Stop(task.arn, Why.SURPLUS) for task in others]
        elif host not in view.lingering:
            stops += [Stop(task.arn, Why.DRAINING if task.draining else Why.MISPLACED) for task in tasks]
    stops += _replaced(service, kept, service.minimum_healthy if view.fewest is None else view.fewest)
    free = [host for host in view.hosts if host not in by_host and host not in view.emptying]
    starts = free[: service.at_once] if service.may_start else []
    whole = len(kept) == len(wanted) and all(task.primary and service.healthy(task) for task in kept)
    waits = any(task.running_for is None for task in kept) or service.stopping or free
    stuck = service.replacing and not (stops or starts or waits or service.next_change())
    return Decision(
        actions=(*stops[: service.at_once], *([Start(len(starts), hosts=tuple(starts))] if starts else [])),
        reasons=_reasons(len(wanted), len(kept), starts, stops),
        steady=whole and not (stops or service.still_up),
        blocked=stuck and all(service.healthy(task) for task in kept),
        more=len(stops) > service.at_once or (service.may_start and len(free) > len(starts)),
        look_again=service.next_change(),
    )


def _missed(service: ServiceView, task: ServiceTask) -> tuple[bool, bool, bool, str]:
    """Of two tasks on one host the one that is missed more stays."""
    return task.primary, service.healthy(task), task.running_for is not None, task.arn


def _replaced(service: ServiceView, kept: Sequence[ServiceTask], fewest: int) -> list[Stop]:
    """What fails makes room at once; healthy tasks of older deployments only as far as the minimum is kept."""
    failing = [task for task in kept if service.failing(task)]
    old = [task for task in kept if not (task.primary or service.failing(task) or task.held)]
    healthy = [task for task in old if service.healthy(task)]
    spare = sum(service.healthy(task) for task in kept) - fewest
    useless = [task for task in old if not service.healthy(task)]
    return [
        *(Stop(task.arn, Why.UNHEALTHY) for task in failing),
        *(Stop(task.arn, Why.REPLACED) for task in (*useless, *healthy[: max(0, spare)])),
    ]


def _reasons(wanted: int, kept: int, starts: Sequence[str], stops: Sequence[Stop]) -> tuple[str, ...]:
    reasons = []
    if wanted > kept:
        reasons.append(f"{wanted} hosts are to have a task, {kept} have one: start {len(starts)}.")
    for why in Why:
        count = sum(stop.why is why for stop in stops)
        if count:
            reasons.append(f"Stop {count}: {why.value}.")
    return tuple(reasons)
