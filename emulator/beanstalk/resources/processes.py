"""Processes, listeners and rules of an environment's load balancer, read from its option settings."""

from collections.abc import Mapping

from emulator.beanstalk.option_values import BALANCER, ENVIRONMENT, LISTENER, PROCESS, RULE, Values
from emulator.beanstalk.resources.facts import Facts
from emulator.neighbours.environment_ports import BalancerSpec, ListenerSpec, RuleSpec, TargetGroupSpec

_APPLICATION = "aws:elasticbeanstalk:application"
_HEALTH_URL = "Application Healthcheck URL"


def kind_of(values: Values) -> str:
    """Of the load balancer underneath: a classic one is carried out as an application load balancer."""
    return "network" if values.get(ENVIRONMENT, "LoadBalancerType") == "network" else "application"


def processes_of(values: Values) -> tuple[str, ...]:
    """Names of the processes; `default` is always there."""
    return tuple(sorted({"default", *values.named(PROCESS)}))


def port_of(values: Values, process: str) -> int:
    """The instance's port to which the load balancer hands the process's requests."""
    return values.number(f"{PROCESS}{process}", "Port", 80)


def target_group_spec(facts: Facts, process: str, vpc_id: str, name: str) -> TargetGroupSpec:
    """The target group of a process."""
    values, space = facts.values, f"{PROCESS}{process}"
    network = kind_of(values) == "network"
    path = values.get(space, "HealthCheckPath")
    if not path and process == "default":
        path = values.get(_APPLICATION, _HEALTH_URL).partition("/")[2]
        path = f"/{path}" if path else ""
    sticky = values.is_true(space, "StickinessEnabled")
    attributes = {
        "deregistration_delay.timeout_seconds": str(values.number(space, "DeregistrationDelay", 20)),
        "stickiness.enabled": str(sticky).lower(),
        "stickiness.type": values.get(space, "StickinessType", "lb_cookie"),
        "stickiness.lb_cookie.duration_seconds": str(values.number(space, "StickinessLBCookieDuration", 86400)),
    }
    return TargetGroupSpec(
        name=name,
        protocol=values.get(space, "Protocol", "TCP" if network else "HTTP"),
        port=port_of(values, process),
        vpc_id=vpc_id,
        health_path=path or "/",
        interval=values.number(space, "HealthCheckInterval", 30 if network else 15),
        timeout=values.number(space, "HealthCheckTimeout", 10 if network else 5),
        healthy=values.number(space, "HealthyThresholdCount", 5 if network else 3),
        unhealthy=values.number(space, "UnhealthyThresholdCount", 5),
        codes=values.get(space, "MatcherHTTPCode", "200"),
        attributes=attributes,
    )


def balancer_spec(facts: Facts, name: str, subnets: tuple[str, ...], security_groups: tuple[str, ...]) -> BalancerSpec:
    """The load balancer."""
    values = facts.values
    return BalancerSpec(
        name=name,
        kind=kind_of(values),
        internal=values.get("aws:ec2:vpc", "ELBScheme") == "internal",
        subnets=subnets,
        security_groups=security_groups,
        idle_seconds=values.number(BALANCER, "IdleTimeout", 60),
    )


def listener_ports(values: Values) -> tuple[int, ...]:
    """The ports of the enabled listeners."""
    wanted = {80} if values.is_true(f"{LISTENER}default", "ListenerEnabled", default=True) else set()
    for name in values.named(LISTENER):
        if name.isdigit() and values.is_true(f"{LISTENER}{name}", "ListenerEnabled", default=True):
            wanted.add(int(name))
    return tuple(sorted(wanted))


def listener_spec(facts: Facts, port: int, balancer_arn: str, groups: Mapping[str, str]) -> ListenerSpec:
    """A listener; its rules forward to the target groups of their processes."""
    values = facts.values
    space = (
        f"{LISTENER}{port}" if f"{LISTENER}{port}" in {name for name, _ in values.settings} else f"{LISTENER}default"
    )
    default = groups[values.get(space, "DefaultProcess", "default")]
    certificates = values.listed(space, "SSLCertificateArns")
    rules = [_rule(values, name, groups) for name in values.listed(space, "Rules")]
    return ListenerSpec(
        balancer_arn=balancer_arn,
        port=port,
        protocol=values.get(space, "Protocol", "TCP" if kind_of(values) == "network" else "HTTP"),
        target_group_arn=default,
        rules=tuple(rule for rule in rules if rule.hosts or rule.paths),
        certificate_arn=certificates[0] if certificates else None,
    )


def _rule(values: Values, name: str, groups: Mapping[str, str]) -> RuleSpec:
    space = f"{RULE}{name}"
    return RuleSpec(
        priority=values.number(space, "Priority", 1),
        target_group_arn=groups[values.get(space, "Process", "default")],
        hosts=values.listed(space, "HostHeaders"),
        paths=values.listed(space, "PathPatterns"),
    )
