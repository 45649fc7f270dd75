"""What the container services ask of load balancers, and what the data plane asks of ELBv2's control plane.

Whatever concerns targets is read and written in the caller's transaction: a task that is registered and the row that says so
exist together. Rules and listeners are ELBv2's (the neighbour's) state; changing them is idempotent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from emulator.balancer.fronts import Fronts
from emulator.balancer.model import Rule, Scene, TargetGroup
from emulator.context import Context

if TYPE_CHECKING:
    from emulator.balancer.traffic import Served


class TargetGroupNotFoundError(Exception):
    """There is no such target group."""


class RuleNotFoundError(Exception):
    """There is no such listener rule."""


@dataclass(frozen=True, slots=True)
class TargetKey:
    """Which target of a group: the same id may stand there with several ports."""

    id: str
    """An instance id or an IP address."""
    port: int


@dataclass(frozen=True, slots=True)
class Target:
    """A target to register."""

    key: TargetKey
    zone: str = ""
    """Its availability zone; empty where it is not known."""
    revision: str = ""
    """Whose requests these are counted for: a task definition or service revision ARN; empty for none."""
    simulated: bool = False
    """No process listens: health is scripted, and the proxy itself answers, saying so."""


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What DescribeTargetHealth says of one target."""

    state: str
    """initial, healthy, unhealthy, unused, draining or unavailable."""
    reason: str | None = None
    description: str | None = None
    revision: str = ""
    drained: bool = False
    """Draining, and no request is under way any more: nothing is lost if it ends now."""


@dataclass(slots=True)
class Traffic:
    """What went to the targets of one revision since the server started."""

    requests: int = 0
    seconds: float = 0.0
    """Sum of the targets' response times."""
    statuses: dict[int, int] = field(default_factory=dict)
    """Status code → how often a target answered it."""
    latencies: dict[int, int] = field(default_factory=dict)
    """Step of the histogram of `scheduler.beanstalk.request_statistics` → how many response times were in it."""


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule that forwards to a target group, and where it stands."""

    balancer_arn: str
    listener_arn: str
    listener_port: int
    rule: Rule


class Balancer(Protocol):
    """What the container services ask of load balancers; called on the event-loop thread."""

    @property
    def standard_port(self) -> int:
        """The port at which names are answered where none is given: 80, or the server's own where 80 is not to be had."""

    def target_group(self, context: Context, arn: str) -> TargetGroup | None:
        """The target group, or None where there is none."""

    def target_group_named(self, context: Context, name: str) -> TargetGroup | None:
        """The target group called so, or None where there is none."""

    def uses(self, context: Context, target_group_arn: str) -> list[RuleUse]:
        """The rules (default rules, too) that forward to the group, in the order of listeners and rules."""

    def register_targets(self, context: Context, target_group_arn: str, targets: Sequence[Target]) -> None:
        """Register; a target that drains comes back. Safe to repeat.

        Raises:
            TargetGroupNotFoundError: there is no such group.

        """

    def deregister_targets(self, context: Context, target_group_arn: str, targets: Sequence[TargetKey]) -> None:
        """No new requests from now on; what is under way may finish. Safe to repeat, also for targets that are not there.

        Raises:
            TargetGroupNotFoundError: there is no such group.

        """

    def target_health(self, context: Context, target_group_arn: str) -> Mapping[TargetKey, TargetHealth]:
        """The group's targets, draining ones too; those that are not registered any more are missing."""

    def rule(self, context: Context, rule_arn: str) -> RuleUse:
        """A rule by its ARN; a listener's ARN means its default rule.

        Raises:
            RuleNotFoundError: there is no such rule.

        """

    def set_rule_weights(self, context: Context, rule_arn: str, weights: Mapping[str, int]) -> None:
        """Have the rule (a listener's ARN means its default rule) forward to these target groups with these weights.

        Conditions, other actions and stickiness stay as they are. Safe to repeat.

        Raises:
            RuleNotFoundError: there is no such rule.
            TargetGroupNotFoundError: a target group does not exist.

        """

    def traffic(self, target_group_arn: str) -> Mapping[str, Traffic]:
        """Revision → what was counted for it since the server started."""

    def watch_requests(self, told: "Callable[[Sequence[tuple[str, Served]]], None]") -> None:
        """Call `told` with what targets of the groups of `Fronts.logged` were asked: revision and request; after the fact."""

    def publish_metrics(self, account: str, region: str, at: datetime) -> bool:
        """Tell CloudWatch what was measured in the minute that began `at`; whether there are load balancers to measure."""

    def front(self, fronts: Fronts, target_group_arns: Iterable[str] = ()) -> None:
        """Serve exactly these beside load balancers; the targets of these groups may be reached elsewhere now."""

    def watch_health(self, changed: Callable[[Context, str, TargetKey], None]) -> None:
        """Call `changed(context, target_group_arn, key)` in the transaction in which a target's state changes.

        Also when a draining target has nothing under way any more, and when its row goes.
        """


@dataclass(frozen=True, slots=True)
class Metric:
    """A data point for CloudWatch."""

    name: str
    unit: str
    dimensions: Mapping[str, str]
    values: Sequence[float]
    """One value, or all that were measured in the minute."""


class MetricStore(Protocol):
    """CloudWatch as the data plane writes it."""

    def put(self, account: str, region: str, namespace: str, at: datetime, metrics: Sequence[Metric]) -> None:
        """Add data points."""


class ControlPlane(Protocol):
    """ELBv2 as the data plane reads it."""

    def places(self) -> list[tuple[str, str]]:
        """Each account and region that may have load balancers, without loading ELBv2."""

    def scene(self, account: str, region: str) -> Scene:
        """All that is there now."""

    def registered(self, account: str, region: str) -> Mapping[str, Sequence[TargetKey]]:
        """Targets that Auto Scaling or CloudFormation have registered, by target group."""

    def forget_targets(self, account: str, region: str, target_group_arn: str, ids: Sequence[str]) -> None:
        """Take targets that Auto Scaling or CloudFormation have registered away."""

    def set_weights(self, account: str, region: str, rule_arn: str, weights: Mapping[str, int]) -> None:
        """See `Balancer.set_rule_weights`."""

    def watch(self, changed: Callable[[str, str], None]) -> None:
        """Call `changed(account, region)` whenever a request may have changed something."""
