"""What a step of a service looks at: what is wanted, which tasks there are, how they are. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.model import Node

AT_ONCE = 50
"""How many tasks a step starts or stops, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """A task of the service whose desired status is RUNNING."""

    arn: str
    primary: bool
    """It belongs to the PRIMARY deployment."""
    running_for: float | None = None
    """Seconds since it is RUNNING; None while it is not."""
    health: str | None = None
    """HEALTHY, UNHEALTHY or UNKNOWN; None where nothing checks it."""
    zone: str = ""
    host: str = ""
    """Empty on Fargate."""
    draining: bool = False
    """Its host is DRAINING."""
    protected_for: float = 0.0
    """Seconds for which neither scaling in nor a deployment may stop it."""

    @property
    def held(self) -> bool:
        """Protected where it is; a draining host is left all the same (unconfirmed)."""
        return self.protected_for > 0 and not self.draining


@dataclass(frozen=True, slots=True)
class ScaleInRules:
    """What is preferred when tasks must go."""

    strategies: tuple[tuple[str, str], ...] = ()
    """The service's placement strategies: type and field, in order."""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    """Host → what it is and has left."""
    cpu: int = 0
    memory: int = 0
    """What a task that goes gives back."""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What is wanted and what is known."""

    desired: int
    tasks: tuple[ServiceTask, ...]
    minimum_percent: int = 100
    maximum_percent: int = 200
    stopping: int = 0
    """Tasks that were told to stop and are not STOPPED: they still take part in the maximum (unconfirmed)."""
    still_up: int = 0
    """Those of them that have not come to STOPPING yet, so that they are still counted as running."""
    failing_to_start: int = 0
    """Those of them that failed before they ran: each is replaced once it is gone, so that its failure counts first."""
    settling: float = 40.0
    """Seconds of RUNNING after which a task without any check counts as healthy, while it replaces older ones."""
    grace: float = 0.0
    """Seconds of RUNNING during which failed checks do not count."""
    may_start: bool = True
    """False while starts are held back after failures, and where the service is draining."""
    at_once: int = AT_ONCE
    """How many tasks a step starts at most, and stops at most, so that services take turns."""
    rules: ScaleInRules = ScaleInRules()
    replacing: bool = field(init=False)
    """Tasks of older deployments are left. Kept, because it is asked for every task."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "replacing", any(not task.primary for task in self.tasks))

    @property
    def minimum_healthy(self) -> int:
        """How many tasks must stay healthy."""
        return -(-self.desired * self.minimum_percent // 100)

    @property
    def maximum(self) -> int:
        """How many tasks may exist."""
        return self.desired * self.maximum_percent // 100

    def healthy(self, task: ServiceTask) -> bool:
        """Whether the task counts towards the healthy minimum."""
        if task.running_for is None:
            return False
        if task.health is not None:
            return task.health == "HEALTHY"
        return not self._settles(task) or task.running_for >= self.settling

    def failing(self, task: ServiceTask) -> bool:
        """Whether its checks demand that it is replaced."""
        return task.health == "UNHEALTHY" and task.running_for is not None and task.running_for >= self.grace

    def next_change(self) -> float | None:
        """Seconds until time alone changes what is healthy or failing; None where it does not."""
        waits = [
            self.settling - task.running_for
            for task in self.tasks
            if task.running_for is not None and task.health is None and self._settles(task)
        ]
        waits += [
            self.grace - task.running_for
            for task in self.tasks
            if task.running_for is not None and task.health == "UNHEALTHY"
        ]
        waits += [task.protected_for for task in self.tasks]
        return min((wait for wait in waits if wait > 0), default=None)

    def _settles(self, task: ServiceTask) -> bool:
        return task.primary and self.replacing
