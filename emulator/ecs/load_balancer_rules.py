"""What a service may ask of load balancers; texts as AWS's, but for those marked."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.balancer.model import groups_of
from emulator.balancer.ports import RuleNotFoundError
from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException, UnsupportedFeatureException
from emulator.ecs.task_targets import balancer_of
from emulator.state.ecs import TaskDefinitionRow

_MOST = 5
_RULES = ("productionListenerRule", "testListenerRule")


def check_load_balancers(
    context: Context, items: Sequence[Mapping[str, Any]], definition: TaskDefinitionRow, strategy: str
) -> None:
    """Raise where the service could not be reached as it asks.

    Raises:
        InvalidParameterException: something does not go together or does not exist.
        UnsupportedFeatureException: a Classic Load Balancer.

    """
    _check_forms(items, strategy)
    for item in items:
        _check_container(item, definition)
        _check_group(context, item, definition)
        if "advancedConfiguration" in item:
            _check_rules(context, item)


def _check_forms(items: Sequence[Mapping[str, Any]], strategy: str) -> None:
    if len(items) > _MOST:
        raise InvalidParameterException(f"loadBalancers can have at most {_MOST} items.")  # (unconfirmed) text
    classic = [item for item in items if item.get("loadBalancerName")]
    if classic and len(classic) < len(items):
        raise InvalidParameterException(
            "All loadBalancers must be strictly either ELBv1 (defining loadBalancerName) or ELBv2 (defining "
            "targetGroupArn)"
        )
    if any("advancedConfiguration" in item for item in classic):
        raise InvalidParameterException("advancedConfiguration field is not allowed with ELBv1 loadBalancers")
    if classic:
        raise UnsupportedFeatureException("Not emulated yet: Classic Load Balancers of services.")
    advanced = [item for item in items if "advancedConfiguration" in item]
    if strategy != "ROLLING" and len(advanced) < len(items):
        raise InvalidParameterException(
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy"
        )
    if advanced and len(advanced) < len(items):
        raise InvalidParameterException(
            "Either all or none of the provided loadBalancers must have advancedConfiguration defined"
        )
    _check_distinct(items)


def _check_distinct(items: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for item in items:
        for arn in (item.get("targetGroupArn"), item.get("advancedConfiguration", {}).get("alternateTargetGroupArn")):
            if arn in seen:
                raise InvalidParameterException(f"Duplicate targetGroupArn found: {arn}")
            if arn:
                seen.add(arn)


def _check_container(item: Mapping[str, Any], definition: TaskDefinitionRow) -> None:
    name, port = item.get("containerName", ""), item.get("containerPort")
    containers = {container["name"]: container for container in definition.body["containerDefinitions"]}
    if name not in containers:
        raise InvalidParameterException(f"The container {name} does not exist in the task definition.")
    if all(mapping["containerPort"] != port for mapping in containers[name]["portMappings"]):
        raise InvalidParameterException(f"The container {name} did not have a container port {port} defined.")


def _check_group(context: Context, item: Mapping[str, Any], definition: TaskDefinitionRow) -> None:
    alternate = item.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
    mode = definition.body.get("networkMode", "bridge")
    for arn in filter(None, (item.get("targetGroupArn"), alternate)):
        group = balancer_of(context).target_group(context, arn)
        if group is None:
            raise InvalidParameterException(f"The specified target group {arn} does not exist.")  # (unconfirmed) text
        if (group.target_type == "ip") != (mode == "awsvpc"):
            raise InvalidParameterException(
                f"The provided target group {arn} has target type {group.target_type}, which is incompatible with the "
                f"{mode} network mode specified in the task definition."
            )
    if alternate is None and not balancer_of(context).uses(context, item["targetGroupArn"]):
        raise InvalidParameterException(
            f"The target group with targetGroupArn {item['targetGroupArn']} does not have an associated load balancer."
        )


def _check_rules(context: Context, item: Mapping[str, Any]) -> None:
    advanced = item["advancedConfiguration"]
    for member in ("alternateTargetGroupArn", "productionListenerRule", "roleArn"):
        if not advanced.get(member):
            # (unconfirmed) text
            raise InvalidParameterException(f"{member} must be specified in advancedConfiguration.")
    for member in _RULES:
        arn = advanced.get(member)
        if arn and ":listener/app/" in arn:
            raise InvalidParameterException(
                f"{member} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: {arn}"
            )
    production, test = advanced["productionListenerRule"], advanced.get("testListenerRule")
    if production == test:
        raise InvalidParameterException(
            f"The following rules cannot be used as both production and test listener rules: {production}"
        )
    both = {item["targetGroupArn"], advanced["alternateTargetGroupArn"]}
    if test is None and not both <= _forwards(context, production):
        raise InvalidParameterException(
            "For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated "
            "with both targetGroup and alternateTargetGroup"
        )
    if test is not None:
        _forwards(context, test)


def _forwards(context: Context, rule: str) -> set[str]:
    try:
        return set(groups_of(balancer_of(context).rule(context, rule).rule.action))
    except RuleNotFoundError:
        raise InvalidParameterException(f"The listener rule {rule} does not exist.") from None  # (unconfirmed) text
