"""The steps that make an environment's resources, in the order in which AWS tells of them (reference: beanstalk.md §7.6)."""

from emulator.beanstalk.option_values import BALANCER, ENVIRONMENT, GROUP, LAUNCH, VPC
from emulator.beanstalk.resources import log_groups, queues, schedules
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.processes import (
    balancer_spec,
    kind_of,
    listener_ports,
    listener_spec,
    processes_of,
    target_group_spec,
)
from emulator.beanstalk.resources.step import CannotMakeError, Made, Step
from emulator.beanstalk.resources.triggers import trigger_specs
from emulator.neighbours.environment_ports import EnvironmentResources, GroupSpec, LaunchSpec
from emulator.neighbours.ports import SubnetNotFoundError
from scheduler.beanstalk.health import unable_to_assume

NO_PROFILE = "Environment must have instance profile associated with it."
_CLASSIC = "Classic Load Balancers are not emulated: this environment has an Application Load Balancer in place of one."


def _network(resources: EnvironmentResources, facts: Facts) -> Made:
    vpc, values = facts.values.get(VPC, "VPCId"), facts.values
    subnets = values.listed(VPC, "Subnets")
    try:
        vpc_id, own = resources.network(facts.place, vpc or None, subnets)
        _, fronts = resources.network(facts.place, vpc_id, values.listed(VPC, "ELBSubnets") or subnets)
    except SubnetNotFoundError as error:
        raise CannotMakeError(str(error)) from error
    return Made({"vpc": vpc_id, "subnets": list(own), "elb_subnets": list(fronts)})


def _profile(resources: EnvironmentResources, facts: Facts) -> Made:
    profile = facts.values.get(LAUNCH, "IamInstanceProfile")
    if not profile or resources.instance_profile_role(facts.place, profile) is None:
        raise CannotMakeError(NO_PROFILE)
    return Made()


def _service_role(resources: EnvironmentResources, facts: Facts) -> Made:
    """The role that is named must be there and (IAM enforced) trust the service: else nobody could assume it.

    Without one AWS uses its service-linked role. That a launch is refused in these words is (unconfirmed).
    """
    role = facts.values.get(ENVIRONMENT, "ServiceRole")
    if resources.role_arn(facts.place, role) is None:
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{facts.place.account}:role/{role}"
        raise CannotMakeError(unable_to_assume(arn))
    return Made()


def _target_groups(resources: EnvironmentResources, facts: Facts) -> Made:
    made = {}
    for process in processes_of(facts.values):
        name = f"awseb-AWSEB-{facts.suffix(f'TargetGroup/{process}')}"
        spec = target_group_spec(facts, process, facts.resources["vpc"], name)
        made[process] = resources.target_group(facts.place, spec, facts.tags)
    events = tuple(f"Created target group named: {arn}" for arn in made.values())
    return Made({"target_groups": made}, events)


def balancer_security_group(resources: EnvironmentResources, facts: Facts) -> Made:
    """The security group of the load balancer."""
    name = facts.named("AWSEBLoadBalancerSecurityGroup")
    vpc_id = facts.resources["vpc"]
    group_id = resources.security_group(facts.place, name, "Load Balancer Security Group", vpc_id, facts.tags)
    return Made({"balancer_security_group": group_id}, (f"Created security group named: {group_id}",))


def _security_group(resources: EnvironmentResources, facts: Facts) -> Made:
    name = facts.named("AWSEBSecurityGroup")
    vpc_id = facts.resources["vpc"]
    group_id = resources.security_group(facts.place, name, "VPC Security Group", vpc_id, facts.tags)
    return Made({"security_group": group_id}, (f"Created security group named: {name}",))


def address(resources: EnvironmentResources, facts: Facts) -> Made:
    """The elastic address of a single instance."""
    found = resources.allocate_address(facts.place, facts.tags)
    return Made({"address": found}, (f"Created EIP: {found}",))


def launch_template(resources: EnvironmentResources, facts: Facts) -> Made:
    """The launch settings of the environment's generation, as a template of its own."""
    values = facts.values
    name = facts.named(f"AWSEBEC2LaunchTemplate{facts.generation}")
    further = values.listed(LAUNCH, "SecurityGroups")
    spec = LaunchSpec(
        instance_type=values.instance_type,
        security_groups=(facts.resources["security_group"], *(one for one in further if one.startswith("sg-"))),
        image_id=values.get(LAUNCH, "ImageId") or None,
        key_name=values.get(LAUNCH, "EC2KeyName") or None,
        instance_profile=values.get(LAUNCH, "IamInstanceProfile") or None,
    )
    template_id = resources.launch_template(facts.place, name, spec, facts.tags)
    templates = {**(facts.resources.get("templates") or {}), str(facts.generation): {"name": name, "id": template_id}}
    return Made({"templates": templates})


def _group(resources: EnvironmentResources, facts: Facts) -> Made:
    minimum, maximum = facts.values.size
    name = facts.named("AWSEBAutoScalingGroup")
    spec = GroupSpec(
        name=name,
        minimum=minimum,
        maximum=maximum,
        desired=minimum,
        launch_template=facts.resources["templates"][str(facts.generation)]["name"],
        subnets=tuple(facts.resources["subnets"]),
        cooldown=facts.values.number(GROUP, "Cooldown", 360),
    )
    resources.create_group(facts.place, spec, facts.tags)
    created = () if facts.values.single else (f"Created Auto Scaling group named: {name}",)
    wait = "Waiting for EC2 instances to launch. This may take a few minutes."
    return Made({"group": name}, (*created, wait))


def triggers(resources: EnvironmentResources, facts: Facts) -> Made:
    """Policies and alarms that scale the group."""
    specs = trigger_specs(facts)
    made = [[resources.trigger(facts.place, spec), spec.policy, spec.alarm] for spec in specs]
    events = [f"Created Auto Scaling group policy named: {arn}" for arn, _, _ in made]
    events += [f"Created CloudWatch alarm named: {alarm}" for _, _, alarm in made]
    return Made({"triggers": made}, tuple(events))


def balancer(resources: EnvironmentResources, facts: Facts) -> Made:
    """The load balancer; of a classic one an event tells what stands in its place."""
    classic = facts.values.get(ENVIRONMENT, "LoadBalancerType", "classic") == "classic"
    security = (facts.resources["balancer_security_group"],) if kind_of(facts.values) == "application" else ()
    further = facts.values.listed(BALANCER, "SecurityGroups")
    name = f"awseb--AWSEB-{facts.suffix('LoadBalancer')}"
    spec = balancer_spec(facts, name, tuple(facts.resources["elb_subnets"]), (*security, *further))
    arn, dns_name = resources.balancer(facts.place, spec, facts.tags)
    told = (f"Created load balancer named: {arn}",)
    return Made({"balancer": {"arn": arn, "dns_name": dns_name}}, (_CLASSIC, *told) if classic else told)


def listeners(resources: EnvironmentResources, facts: Facts) -> Made:
    """Listeners and their rules; those that are not wanted any more go."""
    arn, groups = facts.resources["balancer"]["arn"], facts.resources["target_groups"]
    before = facts.resources.get("listeners") or {}
    made = {
        str(port): resources.listener(facts.place, listener_spec(facts, port, arn, groups), facts.tags)
        for port in listener_ports(facts.values)
    }
    for port, old in before.items():
        if port not in made:
            resources.delete_listener(facts.place, old)
    new = [found for port, found in made.items() if port not in before]
    return Made({"listeners": made}, tuple(f"Created Load Balancer listener named: {found}" for found in new))


def is_balanced(facts: Facts) -> bool:
    """It has a load balancer."""
    return facts.balanced


def is_behind_application(facts: Facts) -> bool:
    """It has a load balancer with security groups."""
    return facts.balanced and kind_of(facts.values) == "application"


def scales(facts: Facts) -> bool:
    """The number of its instances may change."""
    return not facts.values.single


def has_address(facts: Facts) -> bool:
    """It has an elastic address."""
    return facts.values.single and not facts.worker


STEPS = (
    Step("profile", _profile),
    Step("service-role", _service_role, lambda facts: bool(facts.values.get(ENVIRONMENT, "ServiceRole"))),
    Step("logs", log_groups.note),
    Step("network", _network),
    Step("target-groups", _target_groups, is_balanced),
    Step("balancer-security-group", balancer_security_group, is_behind_application),
    Step("security-group", _security_group),
    Step("address", address, has_address),
    Step("queues", queues.ensure, lambda facts: facts.worker),
    Step("launch-template", launch_template),
    Step("group", _group),
    Step("balancer", balancer, is_balanced),
    Step("triggers", triggers, scales),
    Step("listeners", listeners, is_balanced),
    Step("schedules", schedules.schedule, schedules.is_scheduled),
)
"""In this order. The load balancer comes before the alarms, which may watch it; AWS tells of it after them."""
