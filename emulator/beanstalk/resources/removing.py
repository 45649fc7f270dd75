"""The steps that remove an environment's resources (reference: beanstalk.md §7.6). What is not there is no error."""

from collections.abc import Callable

from emulator.beanstalk.resources import log_groups, queues, schedules
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.step import Made, Step
from emulator.neighbours.environment_ports import EnvironmentResources


def _validate(_resources: EnvironmentResources, _facts: Facts) -> Made:
    """Instances of groups have no termination protection here."""
    return Made(
        events=(
            "Validating environment's EC2 instances have termination protection disabled",
            "Finished validating environment's EC2 instances for termination protection.",
        )
    )


def triggers(resources: EnvironmentResources, facts: Facts) -> Made:
    """Alarms and policies of the group."""
    found = facts.resources.get("triggers") or []
    for _, policy, alarm in found:
        resources.delete_trigger(facts.place, policy, alarm)
    events = [f"Deleted CloudWatch alarm named: {alarm}" for _, _, alarm in found]
    events += [f"Deleted Auto Scaling group policy named: {arn}" for arn, _, _ in found]
    return Made({"triggers": None}, tuple(events))


def _instances(resources: EnvironmentResources, facts: Facts) -> Made:
    """The groups end their instances; the next step waits until these are gone."""
    for name in ((facts.resources.get("temporary") or {}).get("group"), facts.resources["group"]):
        if name is not None:
            resources.empty_group(facts.place, name)
    return Made(events=("Waiting for EC2 instances to terminate. This may take a few minutes.",))


def _group(resources: EnvironmentResources, facts: Facts) -> Made:
    name = facts.resources["group"]
    temporary = facts.resources.get("temporary") or {}
    if temporary.get("group"):
        resources.delete_group(facts.place, temporary["group"])
    resources.delete_group(facts.place, name)
    told = () if facts.values.single else (f"Deleted Auto Scaling group named: {name}",)
    return Made({"group": None}, told)


def address(resources: EnvironmentResources, facts: Facts) -> Made:
    """The elastic address."""
    found = facts.resources["address"]
    resources.release_address(facts.place, found)
    return Made({"address": None}, (f"Deleted EIP: {found}",))


def _templates(resources: EnvironmentResources, facts: Facts) -> Made:
    for template in facts.resources["templates"].values():
        resources.delete_launch_template(facts.place, template["name"])
    return Made({"templates": None})


def listeners(resources: EnvironmentResources, facts: Facts) -> Made:
    """Listeners with their rules."""
    found = facts.resources["listeners"].values()
    for arn in found:
        resources.delete_listener(facts.place, arn)
    return Made({"listeners": None}, tuple(f"Deleted Load Balancer listener named: {arn}" for arn in found))


def balancer(resources: EnvironmentResources, facts: Facts) -> Made:
    """The load balancer."""
    arn = facts.resources["balancer"]["arn"]
    resources.delete_balancer(facts.place, arn)
    return Made({"balancer": None}, (f"Deleted load balancer named: {arn}",))


def target_groups(resources: EnvironmentResources, facts: Facts) -> Made:
    """The target groups, also one of a temporary fleet."""
    found = [*facts.resources["target_groups"].values()]
    own = (facts.resources.get("temporary") or {}).get("target_group")
    for arn in [*found, *([own] if own else [])]:
        resources.delete_target_group(facts.place, arn)
    return Made(
        {"target_groups": None, "temporary": None}, tuple(f"Deleted target group named: {arn}" for arn in found)
    )


def _security_group(resources: EnvironmentResources, facts: Facts) -> Made:
    resources.delete_security_group(facts.place, facts.resources["security_group"])
    return Made({"security_group": None}, (f"Deleted security group named: {facts.named('AWSEBSecurityGroup')}",))


def balancer_security_group(resources: EnvironmentResources, facts: Facts) -> Made:
    """The security group of the load balancer."""
    group_id = facts.resources["balancer_security_group"]
    resources.delete_security_group(facts.place, group_id)
    return Made({"balancer_security_group": None}, (f"Deleted security group named: {group_id}",))


def _where(entry: str) -> Callable[[Facts], bool]:
    return lambda facts: bool(facts.resources.get(entry))


GONE = "instances-gone"
"""The name of the step before which all instances must be gone."""

STEPS = (
    Step("validate", _validate, _where("group")),
    Step("triggers", triggers, _where("triggers")),
    Step("schedules", schedules.remove, _where("scheduled")),
    Step("instances", _instances, _where("group")),
    Step(GONE, _group, _where("group")),
    Step("address", address, _where("address")),
    Step("queues", queues.remove, _where("queues")),
    Step("templates", _templates, _where("templates")),
    Step("listeners", listeners, _where("listeners")),
    Step("security-group", _security_group, _where("security_group")),
    Step("balancer", balancer, _where("balancer")),
    Step("target-groups", target_groups, _where("target_groups")),
    Step(
        "balancer-security-group",
        balancer_security_group,
        _where("balancer_security_group"),
    ),
    Step("logs", log_groups.remove, log_groups.goes),
)
"""In this order."""
