"""ELBv2's operations on targets, answered here: moto keeps one port for an id and calls every target healthy."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from emulator.balancer.health import NOT_REGISTERED
from emulator.balancer.model import TargetGroup
from emulator.balancer.ports import Balancer, Target, TargetHealth, TargetKey
from emulator.context import Context
from emulator.errors import AwsError

Operation = Callable[[Context, Mapping[str, Any]], Mapping[str, Any]]


class TargetGroupNotFoundException(AwsError):
    """There is no such target group."""

    code = "TargetGroupNotFound"

    def __init__(self) -> None:
        super().__init__("One or more target groups not found")


class InvalidTargetException(AwsError):
    """A target is not of the group's type, or not there."""

    code = "InvalidTarget"


class ValidationError(AwsError):
    """A member has a value that it cannot have."""


def register_targets(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """RegisterTargets."""
    group = _group(context, request)
    targets = [Target(_key(group, item), item.get("AvailabilityZone", "")) for item in request["Targets"]]
    for target in targets:
        _check(context, group, target.key)
    _balancer(context).register_targets(context, group.arn, targets)
    return {}


def deregister_targets(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """DeregisterTargets. An id without a port means every port under which it is registered."""
    group = _group(context, request)
    there = _balancer(context).target_health(context, group.arn)
    keys = [key for item in request["Targets"] for key in _named(there, item)]
    _balancer(context).deregister_targets(context, group.arn, keys)
    return {}


def describe_target_health(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """DescribeTargetHealth. Targets that are asked for by name and not there are `unused`."""
    group = _group(context, request)
    there = _balancer(context).target_health(context, group.arn)
    if not request.get("Targets"):
        return {"TargetHealthDescriptions": [_describe(group, key, health) for key, health in there.items()]}
    found = []
    for item in request["Targets"]:
        named = _named(there, item)
        found += [_describe(group, key, there[key]) for key in named]
        if not named:
            unknown = TargetHealth(NOT_REGISTERED.state.value, NOT_REGISTERED.reason, NOT_REGISTERED.description)
            found.append(_describe(group, _key(group, item), unknown))
    return {"TargetHealthDescriptions": found}


OPERATIONS: Mapping[str, Operation] = {
    "RegisterTargets": register_targets,
    "DeregisterTargets": deregister_targets,
    "DescribeTargetHealth": describe_target_health,
}


def _balancer(context: Context) -> Balancer:
    balancer = context.emulator.balancer
    assert balancer is not None  # noqa: S101 - a server that answers requests has one
    return balancer


def _group(context: Context, request: Mapping[str, Any]) -> TargetGroup:
    group = _balancer(context).target_group(context, request["TargetGroupArn"])
    if group is None:
        raise TargetGroupNotFoundException
    return group


def _key(group: TargetGroup, item: Mapping[str, Any]) -> TargetKey:
    return TargetKey(item["Id"], int(item.get("Port") or group.port))


def _named(there: Mapping[TargetKey, TargetHealth], item: Mapping[str, Any]) -> Sequence[TargetKey]:
    port = item.get("Port")
    return [key for key in there if key.id == item["Id"] and port in {None, key.port}]


def _check(context: Context, group: TargetGroup, key: TargetKey) -> None:
    """What AWS checks of a target (texts unconfirmed but the one of an instance that does not run)."""
    if group.target_type == "ip":
        try:
            ip_address(key.id)
        except ValueError:
            raise ValidationError(f"The IP address '{key.id}' is not a valid IPv4 or IPv6 address") from None
    if group.target_type == "instance":
        if not key.id.startswith("i-"):
            raise ValidationError(f"Instance ID '{key.id}' is not valid")
        for instance in context.emulator.neighbours.instances(context.account, context.region):
            if instance.id == key.id and instance.state != "running":
                raise InvalidTargetException(
                    f"The following targets are not in a running state and cannot be registered: '{key.id}'"
                )


def _describe(group: TargetGroup, key: TargetKey, health: TargetHealth) -> dict[str, Any]:
    said = {"State": health.state, "Reason": health.reason, "Description": health.description}
    return {
        "Target": {"Id": key.id, "Port": key.port},
        "HealthCheckPort": str(group.health.port or key.port),
        "TargetHealth": {name: value for name, value in said.items() if value is not None},
    }
