"""What a deployment sees of an environment, and what it may ask for.

Instances are compared by what is known of them; an operation is told apart from the next one by its `deployment` number, which
grows with every version or configuration that is carried out on instances (DeploymentId of DescribeInstancesHealth), and with
every restart. A number lower than the last one asks for the way back: what was carried out under that number is carried out again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Policy(StrEnum):
    """`aws:elasticbeanstalk:command` DeploymentPolicy."""

    ALL_AT_ONCE = "AllAtOnce"
    ROLLING = "Rolling"
    ROLLING_WITH_ADDITIONAL_BATCH = "RollingWithAdditionalBatch"
    IMMUTABLE = "Immutable"
    TRAFFIC_SPLITTING = "TrafficSplitting"


class Fleet(StrEnum):
    """Which Auto Scaling group an instance is in."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    """Of an immutable or traffic-splitting deployment."""


class Command(StrEnum):
    """How the deployment `Instance.deployment` goes on an instance."""

    NONE = "None"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"


class Serving(StrEnum):
    """How the balancer has an instance. A single instance without balancer is IN_SERVICE when it answers."""

    OUT = "Out"
    WAITING = "Waiting"
    """Registered, its checks have not passed yet, or fail."""
    IN_SERVICE = "InService"
    DRAINING = "Draining"


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance that is not terminated."""

    id: str
    fleet: Fleet
    launched_at: datetime
    deployment: int = 0
    """The deployment that it was told to carry out last; 0: none yet."""
    command: Command = Command.NONE
    serving: Serving = Serving.OUT
    healthy_checks: int = 0
    """Consecutive checks (one each ten seconds of the clock) at or above the success threshold since the command ended."""
    failed_checks: int = 0
    """Consecutive checks below the success threshold; three make an instance ill."""
    generation: int = 0
    """The generation of launch settings it was launched with."""
    leaving: bool = False
    """It is being terminated."""


@dataclass(frozen=True, slots=True)
class Temporary:
    """The temporary Auto Scaling group."""

    name: str
    desired: int
    weight: int = 0
    """Percent of requests that the listener forwards to its own target group."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The option settings that deployments read; durations in seconds."""

    policy: Policy = Policy.ALL_AT_ONCE
    batch_size: int = 100
    batch_fixed: bool = False
    """BatchSizeType Fixed: instances; else percent."""
    command_timeout: float = 600
    """Without the 240 seconds that the service adds."""
    ignore_health: bool = False
    """IgnoreHealthCheck: instances need not become healthy, and need not stay so."""
    needed_checks: int = 12
    """Consecutive good checks that end the wait for an instance (enhanced: 12, worker tier 18; basic: 0, in service is
    enough)."""
    new_version_percent: int = 10
    evaluation_seconds: float = 300
    rolling_update: str | None = None
    """RollingUpdateType (Time, Health, Immutable); None: RollingUpdateEnabled is false."""
    max_batch: int = 1
    min_in_service: int = 0
    pause: float = 0
    update_timeout: float = 1800
    load_balanced: bool = True
    """Else instances are never registered or deregistered."""
    rollback_on_failure: bool = True
    """Whether a configuration that could not be carried out is followed by the former one."""


class OperationKind(StrEnum):
    """What an environment is busy with, as far as its instances are concerned."""

    LAUNCH = "Launch"
    """First instances, first deployment."""
    DEPLOY = "Deploy"
    """A version reaches the instances by the deployment policy."""
    CONFIGURE = "Configure"
    """Settings reach the running instances in batches, without replacing them."""
    RESTART = "Restart"
    """RestartAppServer: in batches."""
    REPLACE = "Replace"
    """Instances of an older generation are replaced."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an operation stands; kept in the environment's row and given back at the next look."""

    kind: OperationKind
    deployment: int
    started_at: datetime
    stage: str = "begin"
    """The policy's own word for what it waits for."""
    stage_since: datetime | None = None
    batches: tuple[tuple[str, ...], ...] = ()
    """Ids of the instances of each batch, fixed when the operation begins."""
    batch: int = 0
    generation: int = 0
    aborting: bool = False
    """AbortEnvironmentUpdate was accepted; the caller sets it, while `Step.abortable`."""
    told: tuple[str, ...] = ()
    """Ids of the instances whose part in this stage has been told."""
    notes: dict[str, str] = field(default_factory=dict)
    """Further facts that a policy must remember."""


@dataclass(frozen=True, slots=True)
class View:
    """An environment at one instant."""

    name: str
    now: datetime
    desired: int
    """Desired capacity of the permanent group."""
    minimum: int
    maximum: int
    settings: Settings
    instances: tuple[Instance, ...]
    version: str
    """The label that is being deployed."""
    current: int = 0
    """Number of the last deployment that succeeded (what replacements get, and what a way back leads to); 0: none yet."""
    current_generation: int = 0
    """The generation of launch settings that belongs to it."""
    launches: int = 0
    """The generation of launch settings with which the permanent group launches now."""
    group: str = ""
    """Name of the permanent Auto Scaling group."""
    cname: str | None = None
    """None: worker tier."""
    temporary: Temporary | None = None
    prepared: bool = True
    """What is being deployed can be begun: its image is built, or pulled."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """Have instances carry the deployment out (at once, beside each other)."""

    instance_ids: tuple[str, ...]
    deployment: int


@dataclass(frozen=True, slots=True)
class Recall:
    """Have instances be as before they were told a deployment that they could not begin: it was not `View.prepared`."""

    instance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deregister:
    """Take instances out of the balancer; they drain."""

    instance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """Put instances back into the balancer."""

    instance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resize:
    """Set the desired capacity of the permanent group, beyond its maximum too if need be; when it is lowered, the newest go."""

    desired: int


@dataclass(frozen=True, slots=True)
class LaunchWith:
    """From now on the permanent group launches with the launch settings of this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class CreateTemporary:
    """Make the temporary group; its instances carry `deployment` out as soon as they are there (Deploy is asked for, too)."""

    desired: int
    deployment: int
    generation: int
    own_target_group: bool
    """TrafficSplitting: Register registers its instances with a target group of their own."""


@dataclass(frozen=True, slots=True)
class ResizeTemporary:
    """Set the desired capacity of the temporary group."""

    desired: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Have the listener forward `percent` of the requests to the temporary group's target group."""

    percent: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """Detach instances from the temporary group and attach them to the permanent one, and register them with its target group.

    Desired capacities follow, as on DetachInstances and AttachInstances: each instance raises that of the permanent group by one.
    With a target group of their own, instances stay in that one too until the temporary group is deleted; `serving` is then
    what the permanent one's target group says.
    """

    instance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terminate:
    """Terminate instances after they have drained; `replaced`: their group launches others in their place, else the desired
    capacity falls by one each.
    """

    instance_ids: tuple[str, ...]
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class DeleteTemporary:
    """Terminate what is left in the temporary group and remove it with its target group."""


Action = (
    Deploy
    | Recall
    | Deregister
    | Register
    | Resize
    | LaunchWith
    | CreateTemporary
    | ResizeTemporary
    | Shift
    | Adopt
    | Terminate
    | DeleteTemporary
)


class Severity(StrEnum):
    """Of an event, in rising order."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"


@dataclass(frozen=True, slots=True)
class Said:
    """An event that the step tells."""

    message: str
    severity: Severity = Severity.INFO


class Outcome(StrEnum):
    """How an operation ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    """Without rollback: what was done stays done."""
    ROLLED_BACK = "RolledBack"
    """The old instances serve as before."""
    ABORTED = "Aborted"
    TIMED_OUT = "TimedOut"
    """Commands did not end in time."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation.

    The caller writes progress, events and wanted things in one transaction, then has the actions done. Asked again with the same
    view, the answer is the same but for the events: every action is idempotent and asked for until its effect is seen.
    """

    progress: Progress
    actions: tuple[Action, ...] = ()
    events: tuple[Said, ...] = ()
    """From what follows `Environment update is starting.` (or `restartAppServer is starting.`, which are told when the request is
    accepted) to the operation's last event. Those of building, pulling and starting on an instance are the caller's."""
    outcome: Outcome | None = None
    """None: it goes on."""
    waits_for: str = ""
    """In words, for `ashore explain`."""
    look_again: float | None = None
    """Seconds until time alone may change the decision."""
    abortable: bool = False
    """AbortableOperationInProgress."""
