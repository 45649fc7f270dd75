"""Builders of load balancers as values, with defaults."""

from typing import Any

from emulator.balancer.model import (
    Action,
    Condition,
    FixedResponse,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    TargetGroup,
)

PREFIX = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:"


def group(name: str = "web", **members: Any) -> TargetGroup:
    """A target group of addresses."""
    defaults = {"protocol": "HTTP", "port": 80, "target_type": "ip", "health": HealthCheck(interval=10, timeout=5)}
    return TargetGroup(arn=f"{PREFIX}targetgroup/{name}/0123456789abcdef", name=name, **{**defaults, **members})


def rule(number: int | None, action: Action, *conditions: Condition) -> Rule:
    """A rule; the default one where it has no number."""
    return Rule(f"{PREFIX}listener-rule/app/web/1/2/{number}", number, conditions, action)


def answering(*conditions: tuple[Condition, ...]) -> Listener:
    """A listener whose rules answer their own place in the list; the default rule answers `default`."""
    rules = [rule(n, FixedResponse(200, body=str(n)), *wanted) for n, wanted in enumerate(conditions)]
    return listener(*rules, rule(None, FixedResponse(200, body="default")))


def listener(*rules: Rule, **members: Any) -> Listener:
    """A listener."""
    defaults = {"arn": f"{PREFIX}listener/app/web/1/2", "port": 80, "protocol": "HTTP"}
    return Listener(rules=rules, **{**defaults, **members})


def balancer(*listeners: Listener, **members: Any) -> LoadBalancer:
    """A load balancer."""
    defaults = {
        "arn": f"{PREFIX}loadbalancer/app/web/1",
        "name": "web",
        "dns_name": "web-1.eu-west-1.elb.localhost",
        "kind": "application",
        "zones": frozenset({"eu-west-1a"}),
    }
    return LoadBalancer(listeners=listeners, **{**defaults, **members})
