"""One step of a REPLICA service towards its desired state: what to start, what to stop, and why.

The bounds are ECS's: at least `ceil(desired * minimum%)` tasks stay healthy, at most `floor(desired * maximum%)` exist.
New tasks belong to the PRIMARY deployment; tasks of older deployments go as new ones become healthy.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """A task of the service whose desired status is RUNNING."""

    arn: str
    primary: bool
    """It belongs to the PRIMARY deployment."""
    running: bool
    healthy: bool
    """It counts towards the healthy minimum."""
    failing: bool = False
    """Its health check says UNHEALTHY."""
    zone: str = ""
    host: str = ""
    draining: bool = False
    """Its host is DRAINING."""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What is wanted and what is known."""

    desired: int
    tasks: tuple[ServiceTask, ...]
    minimum_percent: int = 100
    maximum_percent: int = 200
    may_start: bool = True
    """False while starts are held back after failures."""

    @property
    def minimum_healthy(self) -> int:
        """How many tasks must stay healthy."""
        return -(-self.desired * self.minimum_percent // 100)

    @property
    def maximum(self) -> int:
        """How many tasks may exist."""
        return self.desired * self.maximum_percent // 100


@dataclass(frozen=True, slots=True)
class ServiceStep:
    """What to do now."""

    start: int = 0
    stop: tuple[str, ...] = ()
    steady: bool = False
    """Everything is as desired."""
    blocked: bool = False
    """Something must change, but minimum and maximum percent leave no way."""


def step(service: ServiceView) -> ServiceStep:
    """The next step; an empty one where something is awaited."""
    current = [task for task in service.tasks if _stays(task)]
    leaving = [task for task in service.tasks if not _stays(task)]
    surplus = len(current) - service.desired
    if surplus > 0:
        chosen = scale_in(current, surplus)
        return ServiceStep(stop=tuple(task.arn for task in chosen))
    missing = service.desired - len(current)
    room = max(0, max(service.maximum, service.desired if not leaving else 0) - len(service.tasks))
    start = min(missing, room) if service.may_start else 0
    stop = _replaceable(service, current, leaving)
    settled = not missing and not leaving and all(task.running and task.healthy for task in current)
    waits = any(not task.healthy for task in current)
    blocked = bool(missing and not start and not stop and not waits and service.may_start)
    return ServiceStep(start, tuple(stop), settled, blocked)


def _stays(task: ServiceTask) -> bool:
    return task.primary and not task.draining and not task.failing


def _replaceable(service: ServiceView, current: Sequence[ServiceTask], leaving: Sequence[ServiceTask]) -> list[str]:
    """Old tasks that can go: those that are not healthy count for nothing, others only above the minimum."""
    stop = [task.arn for task in leaving if not task.healthy and not task.failing]
    healthy = sum(task.healthy for task in (*current, *leaving))
    spare = healthy - service.minimum_healthy
    stop += [task.arn for task in leaving if task.healthy][: max(0, spare)]
    # a failing task is replaced first where the maximum allows, else it makes room
    covered = sum(task.healthy for task in current) + max(0, service.maximum - len(service.tasks))
    failing = [task.arn for task in leaving if task.failing]
    if len(current) >= service.desired or covered < 1 or service.maximum <= len(service.tasks):
        stop += failing
    return stop


def scale_in(tasks: Sequence[ServiceTask], count: int) -> list[ServiceTask]:
    """Which tasks to stop: those not running first, then from the zone with most tasks, in it from the host with most."""
    left = list(tasks)
    chosen = []
    for _ in range(count):
        zones = Counter(task.zone for task in left)
        hosts = Counter(task.host for task in left)
        pick = min(left, key=lambda task: (task.running, task.healthy, -zones[task.zone], -hosts[task.host], task.arn))
        chosen.append(pick)
        left.remove(pick)
    return chosen
