"""One step of a REPLICA service towards its desired state: what to start, what to stop, and why.

The bounds are ECS's: at least `ceil(desired * minimum%)` tasks stay healthy, at most `floor(desired * maximum%)` exist.
New tasks belong to the PRIMARY deployment; tasks of older deployments and of draining hosts go as new ones become healthy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scheduler.reconcile.scale_in import scale_in
from scheduler.reconcile.service_view import AT_ONCE, ServiceTask, ServiceView


class Why(StrEnum):
    """Why a task is stopped."""

    SURPLUS = "more tasks than desired"
    REPLACED = "replaced by the newer deployment"
    DRAINING = "its host is draining"
    UNHEALTHY = "failed its health checks"
    MISPLACED = "its host does not meet the placement constraints"


@dataclass(frozen=True, slots=True)
class Start:
    """Start tasks of the PRIMARY deployment."""

    count: int
    unhealthy: int = 0
    """How many of them replace tasks that fail their checks."""
    hosts: tuple[str, ...] = ()
    """One on each of these; empty where placement chooses."""
    zone: str = ""
    """In this zone; empty where placement chooses."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop one task."""

    task_arn: str
    why: Why


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now; no actions where something is awaited or all is as desired."""

    actions: tuple[Start | Stop, ...] = ()
    reasons: tuple[str, ...] = ()
    steady: bool = False
    """Everything is as desired."""
    blocked: bool = False
    """Older tasks must be replaced, but minimum and maximum percent leave no way."""
    more: bool = False
    """There is more to do than one step does at once."""
    held_by_protection: bool = False
    """More tasks are protected than desired, so that there is no scaling in."""
    look_again: float | None = None
    """Seconds until time alone may change the answer."""

    @property
    def started(self) -> int:
        """How many tasks are to be started."""
        return sum(action.count for action in self.actions if isinstance(action, Start))

    @property
    def stops(self) -> tuple[Stop, ...]:
        """What is to be stopped."""
        return tuple(action for action in self.actions if isinstance(action, Stop))


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The tasks by what is to become of them."""

    stay: tuple[ServiceTask, ...]
    leave: tuple[ServiceTask, ...]
    """Of older deployments or draining hosts."""
    failing: tuple[ServiceTask, ...]


def step(service: ServiceView) -> Decision:
    """The next step."""
    found = _sorted(service)
    too_many = len(found.stay) - service.desired
    surplus = _spared(service, scale_in(service, found.stay, too_many))
    gone = {task.arn for task in surplus}
    kept = [task for task in found.stay if task.arn not in gone]
    missing = service.desired - len(kept)
    room = max(0, service.maximum - len(service.tasks) - service.stopping)
    start = max(0, min(missing - service.failing_to_start, room)) if service.may_start else 0
    stops = [Stop(task.arn, Why.SURPLUS) for task in surplus]
    stops += _leaving(service, kept, found.leave)
    stops += _failing(service, kept, found.failing, cramped=missing > 0 and not room)
    whole = all(service.healthy(task) for task in kept)
    stuck = missing > 0 and service.may_start and whole and not (start or stops or service.stopping)
    at_once = service.at_once
    started = min(start, at_once)
    starts = [Start(started, min(started, len(found.failing)))] if started else []
    return Decision(
        actions=(*stops[:at_once], *starts),
        reasons=_reasons(service, kept, found, start, stops),
        steady=whole and not (missing or found.leave or found.failing or stops or service.still_up),
        blocked=stuck and service.replacing and not any(task.held for task in found.leave),
        more=start > at_once or len(stops) > at_once,
        held_by_protection=too_many > len(surplus),
        look_again=service.next_change(),
    )


def grow(desired: int, present: int, maximum_percent: int, at_once: int = AT_ONCE) -> Decision:
    """What `step` says of a service that only lacks tasks, known by counts alone.

    Its `present` tasks, fewer than `desired`, are all of the PRIMARY deployment, wanted, not protected and on hosts that
    stay; none fails its checks, none is stopping, and starts are not held back.
    """
    missing, maximum = desired - present, desired * maximum_percent // 100
    start = max(0, min(missing, maximum - present))
    reason = _missing(missing, desired, present, maximum, f"start {start}.")
    starts = (Start(min(start, at_once)),) if start else ()
    return Decision(actions=starts, reasons=(reason,), more=start > at_once)


def settled() -> Decision:
    """What `step` says of a service that has what it wants, known by counts alone.

    Its tasks are as many as desired, all of the PRIMARY deployment, wanted, RUNNING, healthy where anything checks them,
    not protected and on hosts that stay.
    """
    return Decision(steady=True)


def _missing(missing: int, desired: int, present: int, maximum: int, then: str) -> str:
    return f"{missing} of {desired} tasks are missing; {present} exist, at most {maximum} may: {then}"


def in_zone(decision: Decision, zone: str, service: ServiceView) -> Decision:
    """The same, while one task more than before is wanted in a zone: that one is bound to it, what replaces others is not."""
    actions: list[Start | Stop] = []
    moves = sum(task.primary for task in service.tasks) < service.desired
    for action in decision.actions:
        if not moves or isinstance(action, Stop):
            actions.append(action)
            continue
        actions.append(Start(1, zone=zone))
        rest = action.count - 1
        if rest:
            actions.append(replace(action, count=rest, unhealthy=min(action.unhealthy, rest)))
    return replace(decision, actions=tuple(actions))


def _sorted(service: ServiceView) -> _Sorted:
    stay, leave, failing = [], [], []
    for task in service.tasks:
        if not task.primary or task.draining:
            leave.append(task)
        elif service.failing(task):
            failing.append(task)
        else:
            stay.append(task)
    return _Sorted(tuple(stay), tuple(leave), tuple(failing))


def _spared(service: ServiceView, surplus: Sequence[ServiceTask]) -> list[ServiceTask]:
    """Without those healthy ones that the minimum needs: where a protected task that is not healthy cannot go instead."""
    spare = sum(service.healthy(task) for task in service.tasks) - service.minimum_healthy
    useless = [task for task in surplus if not service.healthy(task)]
    healthy = [task for task in surplus if service.healthy(task)]
    return [*useless, *healthy[: max(0, spare)]]


def _leaving(service: ServiceView, kept: Sequence[ServiceTask], leave: Sequence[ServiceTask]) -> list[Stop]:
    """What is not healthy counts for nothing and goes at once; the healthy only as far as the minimum is kept."""
    healthy = [task for task in leave if service.healthy(task)]
    useless = [task for task in leave if not (service.healthy(task) or task.held)]
    spare = sum(service.healthy(task) for task in kept) + len(healthy) - service.minimum_healthy
    chosen = [*useless, *scale_in(service, healthy, spare)]
    return [Stop(task.arn, Why.DRAINING if task.primary else Why.REPLACED) for task in chosen]


def _failing(
    service: ServiceView, kept: Sequence[ServiceTask], failing: Sequence[ServiceTask], *, cramped: bool
) -> list[Stop]:
    """A failing task goes when its replacement is healthy; where there is no room for that one, it makes room."""
    healthy = sum(service.healthy(task) for task in kept)
    count = healthy + len(failing) - service.desired
    if cramped and service.may_start and not service.stopping:
        count = max(count, service.desired - len(kept))
    return [Stop(task.arn, Why.UNHEALTHY) for task in failing[: max(0, count)]]


def _reasons(
    service: ServiceView, kept: Sequence[ServiceTask], found: _Sorted, start: int, stops: Sequence[Stop]
) -> tuple[str, ...]:
    """The step in words, for people."""
    reasons = []
    missing = service.desired - len(kept)
    if missing > 0:
        present = len(service.tasks) + service.stopping
        then = f"start {start}." if start or service.may_start else "starts are held back."
        reasons.append(_missing(missing, service.desired, present, service.maximum, then))
    for why in Why:
        count = sum(stop.why is why for stop in stops)
        if count:
            reasons.append(f"Stop {count}: {why.value}.")
    waiting = len(found.leave) - sum(stop.why in {Why.REPLACED, Why.DRAINING} for stop in stops)
    if waiting:
        reasons.append(f"{waiting} older tasks stay: at least {service.minimum_healthy} must be healthy.")
    return tuple(reasons)
