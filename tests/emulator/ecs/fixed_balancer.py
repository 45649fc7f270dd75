"""A load balancer whose health checks say what a test says: `emulator.balancer.ports.Balancer` without a data plane."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from emulator.balancer.fronts import Fronts
from emulator.balancer.model import Forward, HealthCheck, Rule, Share, TargetGroup
from emulator.balancer.ports import (
    RuleNotFoundError,
    RuleUse,
    Target,
    TargetGroupNotFoundError,
    TargetHealth,
    TargetKey,
    Traffic,
)
from emulator.balancer.traffic import Served
from emulator.context import Context

PREFIX = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:"
PRODUCTION = f"{PREFIX}listener-rule/app/front/1/2/production"
TEST = f"{PREFIX}listener-rule/app/front/1/2/test"


def group_arn(name: str) -> str:
    """The ARN of a target group."""
    return f"{PREFIX}targetgroup/{name}/1"


def listener_of(rule_arn: str) -> str:
    """Each rule stands at a listener of its own."""
    return rule_arn.replace("listener-rule", "listener")


@dataclass
class FixedBalancer:
    """Groups, rules and targets in memory."""

    standard_port: int = 80
    groups: dict[str, TargetGroup] = field(default_factory=dict)
    rules: dict[str, dict[str, int]] = field(default_factory=dict)
    targets: dict[str, dict[TargetKey, TargetHealth]] = field(default_factory=dict)
    registered: list[tuple[str, Target]] = field(default_factory=list)
    moves: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    """Every change of weights, in order."""
    first: str = "healthy"
    """The state of a target that was just registered."""
    _watchers: list[Callable[[Context, str, TargetKey], None]] = field(default_factory=list)

    def add(self, name: str, kind: str = "instance", *rules: str) -> str:
        """A target group, forwarded to by these rules (by a default one where none is named)."""
        arn = group_arn(name)
        self.groups[arn] = TargetGroup(arn, name, "HTTP", 80, kind, HealthCheck())
        self.targets[arn] = {}
        for rule in rules or (f"{PREFIX}listener-rule/app/front/1/2/{name}",):
            self.rules.setdefault(rule, {})[arn] = 0 if rule in self.rules else 1
        return arn

    def say(self, context: Context, arn: str, key: TargetKey, state: str | None, text: str | None = None) -> None:
        """Have a target in a state from now on; None: it is not there any more."""
        if state is None:
            self.targets[arn].pop(key, None)
        else:
            self.targets[arn][key] = TargetHealth(state, description=text)
        for watcher in self._watchers:
            watcher(context, arn, key)

    def target_group(self, context: Context, arn: str) -> TargetGroup | None:
        del context
        return self.groups.get(arn)

    def target_group_named(self, context: Context, name: str) -> TargetGroup | None:
        return self.target_group(context, group_arn(name))

    def uses(self, context: Context, target_group_arn: str) -> list[RuleUse]:
        return [self.rule(context, arn) for arn, shares in self.rules.items() if target_group_arn in shares]

    def register_targets(self, context: Context, target_group_arn: str, targets: Sequence[Target]) -> None:
        if target_group_arn not in self.groups:
            raise TargetGroupNotFoundError(target_group_arn)
        for target in targets:
            self.registered.append((target_group_arn, target))
            self.say(context, target_group_arn, target.key, self.first)

    def deregister_targets(self, context: Context, target_group_arn: str, targets: Sequence[TargetKey]) -> None:
        if target_group_arn not in self.groups:
            raise TargetGroupNotFoundError(target_group_arn)
        for key in targets:
            if key in self.targets[target_group_arn]:
                self.say(context, target_group_arn, key, "draining")

    def target_health(self, context: Context, target_group_arn: str) -> Mapping[TargetKey, TargetHealth]:
        del context
        return self.targets.get(target_group_arn, {})

    def rule(self, context: Context, rule_arn: str) -> RuleUse:
        del context
        if rule_arn not in self.rules:
            raise RuleNotFoundError(rule_arn)
        shares = tuple(Share(arn, weight) for arn, weight in self.rules[rule_arn].items())
        return RuleUse("balancer", listener_of(rule_arn), 80, Rule(rule_arn, 1, (), Forward(shares)))

    def set_rule_weights(self, context: Context, rule_arn: str, weights: Mapping[str, int]) -> None:
        self.rule(context, rule_arn)
        self.rules[rule_arn] = dict(weights)
        self.moves.append((rule_arn, dict(weights)))

    def traffic(self, target_group_arn: str) -> Mapping[str, Traffic]:
        del target_group_arn
        return {}

    def watch_requests(self, told: Callable[[Sequence[tuple[str, Served]]], None]) -> None:
        """Nobody asks its targets."""

    def publish_metrics(self, account: str, region: str, at: datetime) -> bool:
        del account, region, at
        return False

    def front(self, fronts: Fronts, target_group_arns: Iterable[str] = ()) -> None:
        """No environments here."""

    def watch_health(self, changed: Callable[[Context, str, TargetKey], None]) -> None:
        self._watchers.append(changed)
