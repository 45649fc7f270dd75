"""ELBv2's control plane as moto plays it, read as values.

What cannot be read (CloudFormation checks little) becomes a rule with a fault, so that the others are not kept from working.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.arns import parse_arn
from emulator.balancer.model import (
    Action,
    Condition,
    Field,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    NotCarriedOut,
    Redirect,
    Rule,
    Scene,
    Share,
    TargetGroup,
    seconds_of,
)
from emulator.balancer.ports import RuleNotFoundError, TargetGroupNotFoundError, TargetKey
from emulator.neighbours.world import MotoWorld

CHANGERS = frozenset({"elasticloadbalancing", "autoscaling", "cloudformation", "ec2"})
"""Services whose requests may change load balancers or their targets."""

CREATORS = frozenset({"elasticloadbalancing", "cloudformation"})
"""Services whose requests make load balancers."""


class MotoLoadBalancers:
    """`balancer.ports.ControlPlane` over moto's backends."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world
        self._watchers: list[Callable[[str, str], None]] = []

    def places(self) -> list[tuple[str, str]]:
        """See `ControlPlane`."""
        return self._world.places("elbv2")

    def scene(self, account: str, region: str) -> Scene:
        """See `ControlPlane`."""
        with self._world.lock:
            if (account, region) not in self.places():
                return Scene()
            backend = self._world.backend("elbv2", account, region)
            balancers = tuple(_balancer(item) for item in backend.load_balancers.values())
            return Scene(balancers, {arn: _group(item) for arn, item in backend.target_groups.items()})

    def registered(self, account: str, region: str) -> Mapping[str, Sequence[TargetKey]]:
        """See `ControlPlane`."""
        with self._world.lock:
            if (account, region) not in self.places():
                return {}
            groups = self._world.backend("elbv2", account, region).target_groups
            return {
                arn: [TargetKey(item["Id"], int(item["Port"] or group.port)) for item in group.targets.values()]
                for arn, group in groups.items()
                if group.targets
            }

    def forget_targets(self, account: str, region: str, target_group_arn: str, ids: Sequence[str]) -> None:
        """See `ControlPlane`."""
        with self._world.lock:
            group = self._world.backend("elbv2", account, region).target_groups.get(target_group_arn)
            gone = [group.targets.pop(target_id, None) for target_id in ids] if group is not None else []
        if any(gone):
            self._world.save_soon("compute")

    def set_weights(self, account: str, region: str, rule_arn: str, weights: Mapping[str, int]) -> None:
        """See `ControlPlane`."""
        with self._world.lock:
            backend = self._world.backend("elbv2", account, region)
            for arn in weights:
                if arn not in backend.target_groups:
                    raise TargetGroupNotFoundError(arn)
            actions = _actions_of(backend, rule_arn)
            document = _forwarding(actions, weights)
            actions[-1] = type(actions[-1])(document)
            for group_arn in weights:
                _attach(backend, group_arn, rule_arn)
        self._world.save("compute")  # before a row tells that traffic has moved
        self.changed(account, region)

    def watch(self, changed: Callable[[str, str], None]) -> None:
        """See `ControlPlane`."""
        self._watchers.append(changed)

    def changed(self, account: str, region: str) -> None:
        """Tell the watchers; called on the event-loop thread after a request to one of `CHANGERS`."""
        for watcher in self._watchers:
            watcher(account, region)


def _actions_of(backend: Any, rule_arn: str) -> Any:
    """The rule's own list of actions; the default rule's for a listener's ARN."""
    for balancer in backend.load_balancers.values():
        for listener in balancer.listeners.values():
            if listener.arn == rule_arn:
                return listener.default_actions
            for rule in listener.rules.values():
                if rule.arn == rule_arn:
                    return rule.actions
    raise RuleNotFoundError(rule_arn)


def _forwarding(actions: Sequence[Any], weights: Mapping[str, int]) -> dict[str, Any]:
    old = dict(actions[-1].data)
    sticky = (old.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig")
    shares = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    config: dict[str, Any] = {"TargetGroups": shares, "TargetGroupStickinessConfig": sticky or {"Enabled": False}}
    document: dict[str, Any] = {"Type": "forward", "ForwardConfig": config}
    if "Order" in old:
        document["Order"] = old["Order"]
    if len(shares) == 1:  # as ELBv2 shows an action with one group
        document["TargetGroupArn"] = shares[0]["TargetGroupArn"]
    return document


def _attach(backend: Any, group_arn: str, rule_arn: str) -> None:
    """A target group shows the load balancers that use it."""
    found = parse_arn(rule_arn)
    assert found is not None  # noqa: S101 - it named a rule
    kind, name, number = found.resource.split("/")[1:4]
    for arn in backend.load_balancers:
        attached = backend.target_groups[group_arn].load_balancer_arns
        if arn.endswith(f"/{kind}/{name}/{number}") and arn not in attached:
            attached.append(arn)


def _balancer(item: Any) -> LoadBalancer:
    return LoadBalancer(
        arn=item.arn,
        name=item.name,
        dns_name=item.dns_name,
        kind=item.type,
        zones=frozenset(subnet.availability_zone for subnet in item.subnets),
        listeners=tuple(_listener(listener) for listener in item.listeners.values()),
        idle_seconds=seconds_of(item.attrs, "idle_timeout.timeout_seconds", 60, 4000),
    )


def _listener(item: Any) -> Listener:
    rules = [
        _rule(rule.arn, int(rule.priority), rule.conditions, rule.actions)
        for rule in item.rules.values()
        if not rule.is_default
    ]
    rules.sort(key=lambda rule: rule.priority or 0)
    return Listener(
        item.arn, int(item.port or 80), item.protocol, (*rules, _rule(item.arn, None, (), item.default_actions))
    )


def _rule(arn: str, priority: int | None, conditions: Sequence[Any], actions: Sequence[Any]) -> Rule:
    try:
        return Rule(arn, priority, tuple(_condition(one) for one in conditions), _action(actions))
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a document of another form than ELBv2's
        return Rule(arn, priority, (), NotCarriedOut("such"), f"it could not be read ({type(error).__name__}: {error})")


def _condition(raw: Mapping[str, Any]) -> Condition:
    field = Field(raw["Field"])
    config = {
        Field.PATH: "PathPatternConfig",
        Field.HOST: "HostHeaderConfig",
        Field.HEADER: "HttpHeaderConfig",
        Field.METHOD: "HttpRequestMethodConfig",
        Field.QUERY: "QueryStringConfig",
        Field.SOURCE_IP: "SourceIpConfig",
    }[field]
    stated = raw.get(config) or {}
    if field is Field.QUERY:
        return Condition(field, pairs=tuple((pair.get("Key"), pair["Value"]) for pair in stated.get("Values", [])))
    values = stated.get("Values") or raw.get("Values") or []
    return Condition(field, tuple(values), header=stated.get("HttpHeaderName", ""))


def _action(actions: Sequence[Any]) -> Action:
    """What a rule does: its first action that can be carried out decides nothing before one that cannot."""
    for action in sorted(actions, key=lambda one: int(one.data.get("Order", 1))):
        raw = action.data
        match raw["Type"]:
            case "forward":
                return _forward(raw)
            case "redirect":
                return _redirect(raw["RedirectConfig"])
            case "fixed-response":
                stated = raw["FixedResponseConfig"]
                body = stated.get("MessageBody") or ""
                return FixedResponse(int(stated["StatusCode"]), stated.get("ContentType") or "text/plain", body)
            case kind:
                return NotCarriedOut(kind)
    return NotCarriedOut("no")


def _forward(raw: Mapping[str, Any]) -> Forward:
    config = raw.get("ForwardConfig") or {}
    shares = tuple(Share(one["TargetGroupArn"], int(one.get("Weight", 1))) for one in config.get("TargetGroups") or [])
    sticky = config.get("TargetGroupStickinessConfig") or {}
    enabled = str(sticky.get("Enabled", False)).lower() == "true"
    seconds = int(sticky.get("DurationSeconds") or 3600) if enabled else None
    return Forward(shares or (Share(raw["TargetGroupArn"]),), seconds)


def _redirect(raw: Mapping[str, Any]) -> Redirect:
    parts = {name.lower(): raw[name] for name in ("Protocol", "Host", "Port", "Path", "Query") if name in raw}
    return Redirect(status=301 if raw["StatusCode"] == "HTTP_301" else 302, **parts)


def _group(item: Any) -> TargetGroup:
    port = str(item.health_check_port or "traffic-port")
    matcher = getattr(item, "matcher", None) or {}
    health = HealthCheck(
        enabled=bool(item.health_check_enabled) and item.target_type != "lambda",
        protocol=item.health_check_protocol or "HTTP",
        port=int(port) if port.isdigit() else None,
        path=item.health_check_path or "/",
        interval=float(item.health_check_interval_seconds),
        timeout=float(item.health_check_timeout_seconds),
        healthy_threshold=int(item.healthy_threshold_count),
        unhealthy_threshold=int(item.unhealthy_threshold_count),
        codes=str(matcher.get("HttpCode") or "200"),
    )
    attributes = {name: str(value) for name, value in item.attributes.items()}
    return TargetGroup(
        item.arn, item.name, item.protocol or "", int(item.port or 0), item.target_type, health, attributes
    )
