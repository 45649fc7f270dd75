"""What is observed of instances and environments, and what a judgement of them says."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from scheduler.beanstalk.model import Command, Serving
from scheduler.beanstalk.request_statistics import Requests


class HealthStatus(StrEnum):
    """`HealthStatus`, as on the wire."""

    OK = "Ok"
    INFO = "Info"
    PENDING = "Pending"
    UNKNOWN = "Unknown"
    NO_DATA = "NoData"
    WARNING = "Warning"
    DEGRADED = "Degraded"
    SEVERE = "Severe"
    SUSPENDED = "Suspended"


class Color(StrEnum):
    """`Health`, as on the wire."""

    GREEN = "Green"
    YELLOW = "Yellow"
    RED = "Red"
    GREY = "Grey"


COLORS = {
    HealthStatus.OK: Color.GREEN,
    HealthStatus.INFO: Color.GREEN,
    HealthStatus.PENDING: Color.GREY,
    HealthStatus.UNKNOWN: Color.GREY,
    HealthStatus.NO_DATA: Color.GREY,
    HealthStatus.WARNING: Color.YELLOW,
    HealthStatus.DEGRADED: Color.RED,
    HealthStatus.SEVERE: Color.RED,
    HealthStatus.SUSPENDED: Color.GREY,
}
BADNESS = {HealthStatus.NO_DATA: 1, HealthStatus.WARNING: 2, HealthStatus.DEGRADED: 3, HealthStatus.SEVERE: 4}
"""How bad; whatever is missing is not bad at all."""


class Activity(StrEnum):
    """What instances are told to carry out, in the words of causes."""

    INITIALIZATION = "initialization"
    DEPLOYMENT = "application deployment"
    UPDATE = "application update"
    RESTART = "application restart"


@dataclass(frozen=True, slots=True)
class InstanceObservation:
    """An instance at one instant."""

    id: str
    launched_at: datetime
    last_seen: datetime | None = None
    """When it last sent data; None: never."""
    activity: Activity = Activity.INITIALIZATION
    command: Command = Command.NONE
    command_since: datetime | None = None
    command_ended: datetime | None = None
    serving: Serving | None = None
    """As the balancer has it; None: there is no balancer."""
    serving_since: datetime | None = None
    """Since when it is not in service."""
    running: bool = True
    """Its application runs."""
    deployment: int = 0
    version: str = ""
    requests: Requests = field(default_factory=Requests)
    cpu: float | None = None
    """Percent in use."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What instances are measured by."""

    version: str = ""
    deployment: int = 0
    """0: none has succeeded yet."""
    command_timeout: float = 600
    """Seconds."""
    busy: bool = False
    """An operation goes on: instances may differ."""
    instance_4xx: bool = True
    """Rules.Environment.Application.ApplicationRequests4xx of the ConfigDocument."""


@dataclass(frozen=True, slots=True)
class Activities:
    """The operation that goes on, or the last one."""

    activity: Activity
    since: datetime
    ended: datetime | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentObservation:
    """An environment at one instant."""

    now: datetime
    instances: tuple[InstanceObservation, ...]
    expected: Expectation
    desired: int
    minimum: int
    operation: Activities | None = None
    has_balancer: bool = True
    balancer_4xx: bool = True
    """Rules.Environment.ELB.ELBRequests4xx."""
    role: str | None = None
    """ARN of the service role that cannot be assumed."""
    group_gone: str | None = None
    """Name of the Auto Scaling group when it is gone."""
    waiting_messages: int | None = None
    """Worker tier."""
    dead_letters: int | None = None
    queue_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well something is, and why."""

    status: HealthStatus
    causes: tuple[str, ...] = ()

    @property
    def color(self) -> Color:
        return COLORS[self.status]
