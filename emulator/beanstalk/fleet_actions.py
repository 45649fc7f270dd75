"""Carries out what a policy asks for. What concerns rows is done in the transaction of the step, the rest after it.

Everything may be asked for again: it then finds that it is done.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from emulator.balancer.ports import RuleNotFoundError, TargetGroupNotFoundError
from emulator.beanstalk import commands, serving
from emulator.beanstalk.instances import Groups
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.processes import target_group_spec
from emulator.context import Context
from emulator.neighbours.environment_ports import EnvironmentResources, GroupSpec
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from scheduler.beanstalk.model import (
    Action,
    Adopt,
    CreateTemporary,
    DeleteTemporary,
    Deploy,
    Deregister,
    LaunchWith,
    Recall,
    Register,
    Resize,
    ResizeTemporary,
    Shift,
    Terminate,
)

Outside = Callable[[EnvironmentResources, Facts], Mapping[str, Any]]
"""What is to be done in the neighbours after the transaction, and what then stands in the row's `resources`."""
_UNBOUNDED = 10_000
"""MaxSize of a temporary group: the greatest there is."""


def apply(
    context: Context,
    row: EnvironmentRow,
    groups: Groups,
    instances: Sequence[BeanstalkInstanceRow],
    actions: Iterable[Action],
) -> list[Outside]:
    """Do what rows can say; what is left is for the neighbours, in this order."""
    known = {item.id: item for item in instances}
    found = [
        _left_of_temporary(context, row, groups),
        *(_apply(context, row, known, action) for action in actions),
        _superseded_templates(row, groups, instances),
    ]
    return [do for do in found if do is not None]


def _apply(
    context: Context, row: EnvironmentRow, instances: Mapping[str, BeanstalkInstanceRow], action: Action
) -> Outside | None:
    match action:
        case Deploy() | Recall():
            _command(context, row, instances, action)
        case Register(ids):
            _attach(context, row)
            serving.register(context, row, _those(instances, ids))
        case Deregister(ids):
            serving.deregister(context, row, _those(instances, ids))
        case Terminate(ids, replaced):
            for item in _those(instances, ids):
                item.leaving, item.replaced = True, replaced
            serving.deregister_everywhere(context, row, _those(instances, ids))
        case Shift(percent):
            _shift(context, row, percent)
        case DeleteTemporary():
            return _without_temporary(context, row, list(instances.values()))
        case _:
            return _outside(action)
    return None


def _command(
    context: Context, row: EnvironmentRow, instances: Mapping[str, BeanstalkInstanceRow], action: Deploy | Recall
) -> None:
    for item in _those(instances, action.instance_ids):
        if isinstance(action, Deploy):
            commands.begin(context, item, action.deployment)
        else:
            commands.recall(context, row, item)


def _those(instances: Mapping[str, BeanstalkInstanceRow], ids: Sequence[str]) -> list[BeanstalkInstanceRow]:
    return [instances[one] for one in ids if one in instances]


def _outside(action: Action) -> Outside | None:
    match action:
        case Resize(desired):
            return lambda resources, facts: _resize(resources, facts, facts.resources["group"], desired)
        case ResizeTemporary(desired):
            return lambda resources, facts: _resize(resources, facts, facts.resources["temporary"]["group"], desired)
        case LaunchWith(generation):
            return lambda resources, facts: _launch_with(resources, facts, generation)
        case Adopt(ids):
            return lambda resources, facts: _adopt(resources, facts, ids)
        case CreateTemporary():
            return lambda resources, facts: _temporary(resources, facts, action)
        case _:
            return None


def _resize(resources: EnvironmentResources, facts: Facts, group: str, desired: int) -> Mapping[str, Any]:
    resources.change_group(facts.place, group, None, None, desired)
    return {}


def _launch_with(resources: EnvironmentResources, facts: Facts, generation: int) -> Mapping[str, Any]:
    template = facts.resources["templates"][str(generation)]["name"]
    resources.launch_with(facts.place, facts.resources["group"], template)
    return {}


def _adopt(resources: EnvironmentResources, facts: Facts, ids: Sequence[str]) -> Mapping[str, Any]:
    temporary = facts.resources.get("temporary")
    if temporary:
        resources.move(facts.place, temporary["group"], facts.resources["group"], ids)
    return {}


def _temporary(resources: EnvironmentResources, facts: Facts, action: CreateTemporary) -> Mapping[str, Any]:
    suffix = facts.suffix(f"Temporary/{action.deployment}")
    name = f"awseb-{facts.id}-immutable-stack-AWSEBAutoScalingGroup-{suffix}"
    document: dict[str, Any] = {"group": name, "weight": 0}
    if action.own_target_group:
        called = f"awseb-AWSEB-{suffix}"
        spec = target_group_spec(facts, "default", facts.resources["vpc"], called)
        document["target_group"] = resources.target_group(facts.place, spec, facts.tags)
    spec_of_group = GroupSpec(
        name=name,
        minimum=0,
        maximum=_UNBOUNDED,
        desired=action.desired,
        launch_template=facts.resources["templates"][str(action.generation)]["name"],
        subnets=tuple(facts.resources["subnets"]),
    )
    resources.create_group(facts.place, spec_of_group, facts.tags)
    return {"temporary": document}


def _superseded_templates(
    row: EnvironmentRow, groups: Groups, instances: Sequence[BeanstalkInstanceRow]
) -> Outside | None:
    """Of an environment at rest: launch templates go with which nothing is launched, and no instance was."""
    templates: dict[str, Any] = row.resources.get("templates") or {}
    if row.operation is not None or groups.permanent is None:
        return None
    kept = {row.generation, row.resources.get("current_generation"), *(item.generation for item in instances)}
    old = {
        number: made["name"]
        for number, made in templates.items()
        if int(number) not in kept and made["name"] != groups.permanent.launch_template
    }

    def remove(resources: EnvironmentResources, facts: Facts) -> Mapping[str, Any]:
        for name in old.values():
            resources.delete_launch_template(facts.place, name)
        return {
            "templates": {number: made for number, made in facts.resources["templates"].items() if number not in old}
        }

    return remove if old else None


def _without_temporary(
    context: Context, row: EnvironmentRow, instances: Sequence[BeanstalkInstanceRow]
) -> Outside | None:
    """Its instances, and those adopted from it, leave its target group and finish what they have; then it goes."""
    document = row.resources.get("temporary")
    if not document:
        return None
    if document.get("attached"):
        _shift(context, row, 0)
    left = [item for item in instances if item.fleet == "temporary"]
    for item in left:
        item.leaving = True
    serving.deregister_everywhere(context, row, left)
    serving.leave_own_group(context, row, instances)
    if not all(serving.has_drained(context, row, item, own=True) for item in instances):
        return None
    return partial(_remove_temporary, document)


def _left_of_temporary(context: Context, row: EnvironmentRow, groups: Groups) -> Outside | None:
    """The group is gone, the rest is there: the process died in between, or somebody has removed the group by hand."""
    document = row.resources.get("temporary")
    if not document or groups.temporary is not None:
        return None
    if document.get("attached"):
        _shift(context, row, 0)
    return partial(_remove_temporary, document)


def _remove_temporary(document: Mapping[str, Any], resources: EnvironmentResources, facts: Facts) -> Mapping[str, Any]:
    resources.delete_group(facts.place, document["group"])
    if document.get("target_group"):
        resources.delete_target_group(facts.place, document["target_group"])
    return {"temporary": None}


def _attach(context: Context, row: EnvironmentRow) -> None:
    """A listener forwards to the temporary fleet's target group, be it nothing: only then its targets are checked."""
    document = row.resources.get("temporary") or {}
    if document.get("target_group") and not document.get("attached"):
        _forward(context, row, {row.resources["target_groups"]["default"]: 100, document["target_group"]: 0})
        row.resources = {**row.resources, "temporary": {**document, "attached": True}}


def _shift(context: Context, row: EnvironmentRow, percent: int) -> None:
    """Have whatever forwards to the default process forward so much to the temporary fleet."""
    document = row.resources.get("temporary")
    if not document:
        return
    main, own = row.resources["target_groups"]["default"], document["target_group"]
    if _forward(context, row, {main: 100 - percent, own: percent} if percent else {main: 100}):
        row.resources = {**row.resources, "temporary": {**document, "weight": percent, "attached": percent > 0}}


def _forward(context: Context, row: EnvironmentRow, weights: Mapping[str, int]) -> bool:
    """Weights of whatever forwards to the default process; False where it was removed by hand: the policy ends by its limit."""
    main, balancer = row.resources["target_groups"]["default"], context.emulator.balancer
    if balancer is None:
        return False
    mine = replace(context, account=row.account, region=row.region)
    try:
        for use in balancer.uses(mine, main):
            balancer.set_rule_weights(mine, use.rule.arn, weights)
    except (RuleNotFoundError, TargetGroupNotFoundError):
        return False
    return True
