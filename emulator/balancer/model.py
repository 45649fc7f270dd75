"""Load balancers as values: what ELBv2's requests have asked for, taken apart so that matching and proxying need no AWS shapes.

A listener's rules stand in the order in which they are tried; the last one is the default rule, which has no conditions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Field(StrEnum):
    """What a condition looks at, in ELBv2's words."""

    PATH = "path-pattern"
    HOST = "host-header"
    HEADER = "http-header"
    METHOD = "http-request-method"
    QUERY = "query-string"
    SOURCE_IP = "source-ip"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule: it holds if any of its values matches."""

    field: Field
    values: tuple[str, ...] = ()
    """Patterns with `*` and `?` (path, host, header), methods, or CIDR blocks."""
    pairs: tuple[tuple[str | None, str], ...] = ()
    """Query strings: key (None: any) and value, both patterns."""
    header: str = ""
    """The name of the header that `http-header` looks at."""


@dataclass(frozen=True, slots=True)
class Share:
    """A target group of a forward action, and its weight among them."""

    target_group_arn: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Forward:
    """Hand the request to a target of one of the groups."""

    shares: tuple[Share, ...]
    sticky_seconds: int | None = None
    """How long a client stays with a group; None where it does not."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client elsewhere; `#{host}` and its like stand for the request's own parts."""

    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """Answer without asking a target."""

    status: int
    content_type: str = "text/plain"
    body: str = ""


@dataclass(frozen=True, slots=True)
class NotCarriedOut:
    """An action that is kept but not emulated (authentication): answered with 501, never let through."""

    kind: str
    reason: str = ""
    """Why not, where it is not the kind."""

    @property
    def text(self) -> str:
        """What the answer says."""
        if self.reason:
            return f"Ashore cannot carry this rule out: {self.reason}.\n"
        return f"Ashore does not carry out {self.kind} actions.\n"


Action = Forward | Redirect | FixedResponse | NotCarriedOut


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener."""

    arn: str
    priority: int | None
    """None for the default rule, which is tried last."""
    conditions: tuple[Condition, ...]
    action: Action
    fault: str = ""
    """Why what was asked for could not be understood; empty where it could."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of a load balancer."""

    arn: str
    port: int
    protocol: str
    """HTTP, HTTPS, TCP, TLS, UDP or TCP_UDP."""
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer with its listeners."""

    arn: str
    name: str
    dns_name: str
    kind: str
    """application or network."""
    zones: frozenset[str]
    listeners: tuple[Listener, ...]
    idle_seconds: int = 60

    @property
    def dimension(self) -> str:
        """What CloudWatch calls it: `app/NAME/ID`."""
        return self.arn.partition(":loadbalancer/")[2]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How targets of a group are asked whether they are well."""

    enabled: bool = True
    protocol: str = "HTTP"
    port: int | None = None
    """None for the port that traffic goes to."""
    path: str = "/"
    interval: float = 30
    timeout: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    codes: str = "200"
    """The matcher: `200`, `200,202` or `200-399`."""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Where requests end."""

    arn: str
    name: str
    protocol: str
    port: int
    target_type: str
    """instance, ip, lambda or alb."""
    health: HealthCheck
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """What CloudWatch calls it: `targetgroup/NAME/ID`."""
        return self.arn.rpartition(":")[2]

    @property
    def deregistration_seconds(self) -> float:
        """How long a deregistered target may finish what it has begun."""
        return seconds_of(self.attributes, "deregistration_delay.timeout_seconds", 300, 3600)

    @property
    def slow_start_seconds(self) -> float:
        """How long a target that has become healthy gets less than its share; 0 for not at all."""
        return seconds_of(self.attributes, "slow_start.duration_seconds", 0, 900)

    @property
    def sticky_seconds(self) -> int | None:
        """How long a client stays with a target; None where it does not."""
        if self.attributes.get("stickiness.enabled") != "true":
            return None
        kind = self.attributes.get("stickiness.type", "lb_cookie")
        return seconds_of(self.attributes, f"stickiness.{kind}.duration_seconds", 86400, 604_800)


@dataclass(frozen=True, slots=True)
class Scene:
    """All load balancers and target groups of one account and region."""

    balancers: tuple[LoadBalancer, ...] = ()
    groups: Mapping[str, TargetGroup] = field(default_factory=dict)
    """By ARN."""

    def balancers_of(self, target_group_arn: str) -> list[LoadBalancer]:
        """The load balancers with a rule that forwards to the group."""
        return [
            balancer
            for balancer in self.balancers
            if any(target_group_arn in groups_of(rule.action) for item in balancer.listeners for rule in item.rules)
        ]


def seconds_of(attributes: Mapping[str, str], name: str, default: int, longest: int) -> int:
    """An attribute that is a number of seconds; the default where it is none, and no longer than ELBv2 lets it be."""
    text = str(attributes.get(name, default))
    return min(int(text), longest) if text.isascii() and text.isdigit() else default


def groups_of(action: Action) -> tuple[str, ...]:
    """The target groups that an action forwards to, those with weight 0 too."""
    return tuple(share.target_group_arn for share in action.shares) if isinstance(action, Forward) else ()
