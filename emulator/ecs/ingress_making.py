"""What the loop `ingress` has the neighbours make and remove. Doing it again finds what is there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.neighbours.environment_ports import BalancerSpec, Place, TargetGroupSpec
from emulator.neighbours.ingress_ports import HostRule, IngressResources
from emulator.state.ingress import IngressBalancerRow, IngressRouteRow

_MANAGED = {"AmazonECSManaged": "true"}


@dataclass(frozen=True, slots=True)
class BalancerFacts:
    """A shared load balancer, read in a transaction."""

    id: str
    place: Place
    name: str
    public: bool
    vpc_id: str
    subnets: tuple[str, ...]
    resources: Mapping[str, str]
    inbound: str | None
    """A security group that lets requests in, in place of the one that is made."""
    attributes: Mapping[str, str]
    tags: Mapping[str, str]


def balancer_facts(
    row: IngressBalancerRow, name: str, inbound: str | None, attributes: Mapping[str, str], tags: Mapping[str, str]
) -> BalancerFacts:
    """The facts of a row."""
    return BalancerFacts(
        row.id,
        Place(row.account, row.region),
        f"{name}-{row.id}",
        row.public,
        row.vpc_id,
        tuple(row.subnets),
        dict(row.resources),
        inbound,
        attributes,
        {**tags, **_MANAGED},
    )


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """A route, read in a transaction."""

    place: Place
    host: str
    wanted: Mapping[str, Any]
    resources: Mapping[str, str]

    @property
    def tags(self) -> dict[str, str]:
        """Of everything that is made for it."""
        return {**self.wanted["tags"], **_MANAGED}


def route_facts(row: IngressRouteRow) -> RouteFacts:
    """The facts of a row."""
    return RouteFacts(Place(row.account, row.region), row.host, dict(row.wanted), dict(row.resources))


def make_balancer(resources: IngressResources, facts: BalancerFacts, certificate: str) -> dict[str, str]:
    """The load balancer with its listener, and the security group that lets HTTPS in."""
    place = facts.place
    groups = _front_groups(resources, facts)
    spec = BalancerSpec(facts.name, "application", not facts.public, facts.subnets, groups)
    arn, dns_name = resources.balancer(place, spec, facts.tags)
    if facts.attributes:
        resources.set_balancer_attributes(place, arn, facts.attributes)
    listener = resources.secure_listener(place, arn, certificate, facts.tags)
    return {"arn": arn, "dns_name": dns_name, "listener": listener, "security_group": groups[-1]}


def _front_groups(resources: IngressResources, facts: BalancerFacts) -> tuple[str, ...]:
    """The security group of its own comes last; it lets HTTPS in where no other one is to."""
    group = resources.ensure_group(
        facts.place, f"{facts.name}-sg", "Managed by Amazon ECS: load balancer of services", facts.vpc_id, facts.tags
    )
    if facts.inbound is None:
        resources.admit(facts.place, group, 443)
        return (group,)
    return (facts.inbound, group)


def change_balancer(resources: IngressResources, facts: BalancerFacts) -> None:
    """Have a load balancer that is there as its gateway is by now."""
    groups = _front_groups(resources, facts)
    resources.set_security_groups(facts.place, facts.resources["arn"], groups)
    resources.set_balancer_attributes(facts.place, facts.resources["arn"], facts.attributes)


def make_certificate(resources: IngressResources, facts: RouteFacts) -> str:
    """The certificate for the route's host."""
    return resources.ensure_certificate(facts.place, facts.host, facts.tags)


def make_route(
    resources: IngressResources, facts: RouteFacts, balancer: Mapping[str, str], certificate: str
) -> dict[str, str]:
    """Both target groups, the rule for the host, and the way from the load balancer into the service's security group."""
    wanted, place = facts.wanted, facts.place
    made = {"certificate": certificate}
    resources.secure_listener(place, balancer["arn"], certificate, facts.tags)
    for entry, name in zip(("target_group", "alternate"), wanted["groups"], strict=True):
        if entry in wanted["changes"] or entry not in facts.resources:
            made[entry] = resources.target_group(place, _group_spec(wanted, name), facts.tags)
        else:
            made[entry] = facts.resources[entry]
    rule = HostRule(balancer["listener"], facts.host, made["target_group"], made["alternate"])
    made["rule"] = resources.host_rule(place, rule, facts.tags)
    made |= _test_rule(resources, facts, rule)
    if wanted["security_group"] is not None:
        made["service_security_group"] = resources.ensure_group(
            place, wanted["security_group"], "Managed by Amazon ECS: tasks of a service", wanted["vpc_id"], facts.tags
        )
    for group in filter(None, [made.get("service_security_group"), *wanted["service_groups"]]):
        resources.close(place, group, balancer["security_group"])
        for port in wanted["ports"]:
            resources.admit(place, group, port, balancer["security_group"])
    return made


def _test_rule(resources: IngressResources, facts: RouteFacts, production: HostRule) -> dict[str, str]:
    header = facts.wanted["test_header"]
    earlier = facts.resources.get("test_rule")
    if header is None:
        if earlier is not None:
            resources.delete_rule(facts.place, earlier)
        return {}
    name, values = header
    rule = HostRule(
        production.listener_arn,
        production.host,
        production.target_group,
        production.alternate,
        (name, tuple(values)),
    )
    made = resources.host_rule(facts.place, rule, facts.tags)
    if earlier not in {None, made}:
        resources.delete_rule(facts.place, str(earlier))
    return {"test_rule": made}


def _group_spec(wanted: Mapping[str, Any], name: str) -> TargetGroupSpec:
    return TargetGroupSpec(
        name=name,
        protocol="HTTP",
        port=wanted["port"],
        vpc_id=wanted["vpc_id"],
        target_type="ip",
        attributes={"deregistration_delay.timeout_seconds": str(wanted["delay"])},
        **wanted["health"],
    )


def remove_route(resources: IngressResources, facts: RouteFacts, balancer: Mapping[str, str]) -> None:
    """Everything that was made for the route alone."""
    place, made = facts.place, facts.resources
    for entry in ("test_rule", "rule"):
        if entry in made:
            resources.delete_rule(place, made[entry])
    for entry in ("target_group", "alternate"):
        if entry in made:
            resources.delete_target_group(place, made[entry])
    if "certificate" in made:
        if "listener" in balancer:
            resources.release_certificate(place, balancer["listener"], made["certificate"])
        resources.delete_certificate(place, made["certificate"])
    if "security_group" in balancer:
        for group in facts.wanted["service_groups"]:
            resources.close(place, group, balancer["security_group"])
    if "service_security_group" in made:
        resources.delete_group(place, made["service_security_group"])


def remove_balancer(resources: IngressResources, facts: BalancerFacts) -> None:
    """The load balancer, once no service uses it."""
    made = facts.resources
    if "arn" in made:
        resources.delete_balancer(facts.place, made["arn"])
    if "security_group" in made:
        resources.delete_group(facts.place, made["security_group"])
