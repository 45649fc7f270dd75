"""What Fargate demands of a task definition (reference: ecs.md §2.5)."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.ecs.errors import ClientException

SIZES: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
"""Task CPU units → the MiB that go with them."""


def check_fargate(body: Mapping[str, Any]) -> None:
    """Raise ClientException for the first rule of Fargate's that `body` breaks."""
    broken = next((message for rule in _RULES if (message := rule(body)) is not None), None)
    if broken is not None:
        raise ClientException(broken)


def suits_fargate(body: Mapping[str, Any]) -> bool:
    """Whether FARGATE belongs to the computed `compatibilities`."""
    return all(rule(body) is None for rule in _RULES)


def _size(body: Mapping[str, Any]) -> str | None:
    for member in ("cpu", "memory"):
        if member not in body:
            return f"Fargate requires that '{member}' be defined at the task level."
    if int(body["memory"]) not in SIZES.get(int(body["cpu"]), ()):
        return "No Fargate configuration exists for given values."
    return None


def _network(body: Mapping[str, Any]) -> str | None:
    if body.get("networkMode") != "awsvpc":
        return "Fargate only supports network mode \N{LEFT SINGLE QUOTATION MARK}awsvpc\N{RIGHT SINGLE QUOTATION MARK}."
    return None


def _modes(body: Mapping[str, Any]) -> str | None:
    if body.get("ipcMode"):
        return "Tasks using the Fargate launch type do not support ipcMode."
    if body.get("pidMode") == "host":
        return (
            "Tasks using the Fargate launch type do not support pidMode 'host'. "
            "The supported value for pidMode is 'task'."
        )
    return None


def _role(body: Mapping[str, Any]) -> str | None:
    if body.get("executionRoleArn"):
        return None
    for container in body["containerDefinitions"]:
        if container.get("logConfiguration", {}).get("logDriver") == "awslogs":
            return "Fargate requires task definition to have execution role ARN to support log driver awslogs."
        if ".dkr.ecr." in container.get("image", ""):
            return "Fargate requires task definition to have execution role ARN to support ECR images."
    return None


def _hardware(body: Mapping[str, Any]) -> str | None:
    for container in body["containerDefinitions"]:
        for member in ("privileged", "links", "resourceRequirements"):
            if container.get(member):
                return f"Tasks using the Fargate launch type do not support {member}."  # (unconfirmed) text
    if body["placementConstraints"]:
        return "Placement constraints are not supported with FARGATE launch type."
    if any(volume.get("host", {}).get("sourcePath") for volume in body["volumes"]):
        return "Volumes with a host sourcePath are not supported on Fargate."  # (unconfirmed) text
    return None


_RULES: tuple[Callable[[Mapping[str, Any]], str | None], ...] = (_network, _size, _modes, _role, _hardware)
