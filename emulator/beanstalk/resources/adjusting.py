"""The steps by which resources that are there take changed settings over: in place, no instance is touched.

A single instance that is to have a load balancer, and the other way round, stays: what stands before it is made or removed. On AWS
more may be replaced (unconfirmed).
"""

from collections.abc import Callable

from emulator.beanstalk.option_values import BALANCER
from emulator.beanstalk.resources import log_groups, making, queues, removing, schedules
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.making import launch_template, listeners
from emulator.beanstalk.resources.processes import balancer_spec, processes_of, target_group_spec
from emulator.beanstalk.resources.step import Made, Step
from emulator.neighbours.environment_ports import EnvironmentResources


def _template(resources: EnvironmentResources, facts: Facts) -> Made:
    return launch_template(resources, facts)


def _bounds(resources: EnvironmentResources, facts: Facts) -> Made:
    """A group stays between its bounds: it grows or shrinks where they ask for it."""
    minimum, maximum = facts.values.size
    name = facts.resources["group"]
    found = resources.group(facts.place, name)
    if found is None or (found.minimum, found.maximum) == (minimum, maximum):
        return Made()
    desired = min(max(found.desired, minimum), maximum)
    resources.change_group(facts.place, name, minimum, maximum, desired)
    return Made()


def _triggers(resources: EnvironmentResources, facts: Facts) -> Made:
    made = making.triggers(resources, facts)
    return Made(made.resources) if facts.resources.get("triggers") else made


def _target_groups(resources: EnvironmentResources, facts: Facts) -> Made:
    before = facts.resources.get("target_groups") or {}
    made = dict(before)
    for process in processes_of(facts.values):
        name = f"awseb-AWSEB-{facts.suffix(f'TargetGroup/{process}')}"
        spec = target_group_spec(facts, process, facts.resources["vpc"], name)
        made[process] = resources.target_group(facts.place, spec, facts.tags)
    new = [arn for process, arn in made.items() if process not in before]
    return Made({"target_groups": made}, tuple(f"Created target group named: {arn}" for arn in new))


def _balancer(resources: EnvironmentResources, facts: Facts) -> Made:
    if not facts.resources.get("balancer"):
        return making.balancer(resources, facts)
    own = facts.resources.get("balancer_security_group")
    security = (*((own,) if own else ()), *facts.values.listed(BALANCER, "SecurityGroups"))
    name = f"awseb--AWSEB-{facts.suffix('LoadBalancer')}"
    spec = balancer_spec(facts, name, tuple(facts.resources["elb_subnets"]), security)
    resources.balancer(facts.place, spec, facts.tags)
    return Made()


def _old_target_groups(resources: EnvironmentResources, facts: Facts) -> Made:
    """Of processes that are no more; no listener forwards to them by now. Like listeners that go, they are not told of."""
    wanted = processes_of(facts.values)
    kept = {process: arn for process, arn in facts.resources["target_groups"].items() if process in wanted}
    for process, arn in facts.resources["target_groups"].items():
        if process not in kept:
            resources.delete_target_group(facts.place, arn)
    return Made({"target_groups": kept})


def _is_new_generation(facts: Facts) -> bool:
    return str(facts.generation) not in facts.resources["templates"]


def _lacks(entry: str, wanted: Callable[[Facts], bool]) -> Callable[[Facts], bool]:
    return lambda facts: wanted(facts) and not facts.resources.get(entry)


def _too_much(entry: str, wanted: Callable[[Facts], bool]) -> Callable[[Facts], bool]:
    return lambda facts: bool(facts.resources.get(entry)) and not wanted(facts)


STEPS = (
    Step("launch-template", _template, _is_new_generation),
    Step("logs", log_groups.note),
    Step("no-triggers", removing.triggers, _too_much("triggers", making.scales)),
    Step("bounds", _bounds),
    Step("queues", queues.ensure, lambda facts: facts.worker),
    Step("target-groups", _target_groups, making.is_balanced),
    Step(
        "balancer-security-group",
        making.balancer_security_group,
        _lacks("balancer_security_group", making.is_behind_application),
    ),
    Step("balancer", _balancer, making.is_balanced),
    Step("triggers", _triggers, making.scales),
    Step("schedules", schedules.schedule, schedules.is_scheduled),
    Step("listeners", listeners, making.is_balanced),
    Step("old-target-groups", _old_target_groups, making.is_balanced),
    Step("no-listeners", removing.listeners, _too_much("listeners", making.is_balanced)),
    Step("no-balancer", removing.balancer, _too_much("balancer", making.is_balanced)),
    Step("no-target-groups", removing.target_groups, _too_much("target_groups", making.is_balanced)),
    Step(
        "no-balancer-security-group",
        removing.balancer_security_group,
        _too_much("balancer_security_group", making.is_balanced),
    ),
    Step("address", making.address, _lacks("address", making.has_address)),
    Step("no-address", removing.address, _too_much("address", making.has_address)),
)
"""In this order."""
