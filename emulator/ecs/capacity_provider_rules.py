"""What a capacity provider over an Auto Scaling group may look like; texts that ecs.md §1.2 does not quote are (unconfirmed)."""

import re
from collections.abc import Mapping
from typing import Any

from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.neighbours.capacity_ports import ScalingGroup

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_RESERVED = ("aws", "ecs", "fargate")
_STATUSES = ("ENABLED", "DISABLED")
_LIMITS = {
    "targetCapacity": (1, 100),
    "minimumScalingStepSize": (1, 10000),
    "maximumScalingStepSize": (1, 10000),
    "instanceWarmupPeriod": (0, 10000),
}
_DEFAULTS: Mapping[str, Any] = {
    "status": "DISABLED",
    "targetCapacity": 100,
    "minimumScalingStepSize": 1,
    "maximumScalingStepSize": 10000,
    "instanceWarmupPeriod": 300,
}


def check_provider_name(name: str) -> None:
    """Raise where a provider cannot be called so."""
    if not _NAME.fullmatch(name) or name.lower().startswith(_RESERVED):
        raise InvalidParameterException(
            "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters "
            "(upper and lowercase), numbers, underscores (_), and hyphens (-). The name can't be prefixed with "
            "'aws', 'ecs', or 'fargate'."
        )


def provider_settings(
    earlier: Mapping[str, Any] | None, given: Mapping[str, Any], group: ScalingGroup
) -> dict[str, Any]:
    """Scaling, protection and draining with ECS's defaults, or as they were.

    Raises:
        InvalidParameterException: a bad value.
        ClientException: protection without that of the group.

    """
    before = earlier or {}
    scaling = {**before.get("managedScaling", _DEFAULTS), **given.get("managedScaling", {})}
    _one_of("managedScaling status", scaling["status"])
    for member, (least, most) in _LIMITS.items():
        if not least <= scaling[member] <= most:
            raise InvalidParameterException(f"{member} must be between {least} and {most}.")
    if scaling["minimumScalingStepSize"] > scaling["maximumScalingStepSize"]:
        raise InvalidParameterException("minimumScalingStepSize must not be greater than maximumScalingStepSize.")
    settings: dict[str, Any] = {"managedScaling": scaling}
    for member, default in (("managedTerminationProtection", "DISABLED"), ("managedDraining", "ENABLED")):
        settings[member] = given.get(member, before.get(member, default))
        _one_of(member, settings[member])
    if settings["managedTerminationProtection"] == "ENABLED":
        _check_protection(scaling["status"], group)
    return settings


def _check_protection(scaling: str, group: ScalingGroup) -> None:
    fault = "The managed termination protection setting for the capacity provider is invalid. To enable managed "
    if scaling != "ENABLED":
        raise ClientException(
            f"{fault}termination protection for a capacity provider, managed scaling must be enabled."
        )
    if not group.protects_new:
        raise ClientException(
            f"{fault}termination protection for a capacity provider, the Auto Scaling group must have instance "
            "protection from scale in enabled."
        )


def _one_of(member: str, value: str) -> None:
    if value not in _STATUSES:
        raise InvalidParameterException(f"{member} should be one of [{','.join(_STATUSES)}]")
