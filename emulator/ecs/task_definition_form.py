"""The form in which a task definition is kept and shown: what ECS fills in and computes (reference: ecs.md §2.2).

Clients such as Terraform compare it with what they sent, so nothing is filled in that ECS leaves out.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from emulator.ecs.errors import ClientException
from emulator.ecs.fargate_rules import suits_fargate

_COPIED = (
    "family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "placementConstraints",
    "requiresCompatibilities", "pidMode", "ipcMode", "proxyConfiguration", "inferenceAccelerators",
    "ephemeralStorage", "runtimePlatform", "enableFaultInjection",
)  # fmt: skip
_EMPTY_LISTS = ("portMappings", "environment", "mountPoints", "volumesFrom", "systemControls")
_UNITS = {"cpu": "vcpu", "memory": "gb"}
_HEALTH_DEFAULTS = {"interval": 30, "timeout": 5, "retries": 3}


def normalise(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request with what ECS fills in.

    Raises:
        ClientException: the task's cpu or memory is no number of units.

    """
    body: dict[str, Any] = {name: request[name] for name in _COPIED if name in request}
    body.setdefault("volumes", [])
    body.setdefault("placementConstraints", [])
    for member in _UNITS:
        if request.get(member):
            body[member] = units(request[member], member)
    mode = body.get("networkMode", "bridge")
    body["containerDefinitions"] = [_container(container, mode) for container in request["containerDefinitions"]]
    return body


def units(text: str, member: str) -> str:
    """`1024`, `1 vCPU` or `.5 GB` as the whole units that ECS shows; `member` is `cpu` or `memory`.

    Raises:
        ClientException: it is no number of units.

    """
    pattern = rf"([0-9]{{0,9}}\.?[0-9]{{1,9}}) ?({_UNITS[member]})?"
    found = re.fullmatch(pattern, text.strip(), re.IGNORECASE)
    units = Decimal(found[1]) * (1024 if found[2] else 1) if found else Decimal(0)
    if units <= 0 or units != int(units):
        raise ClientException(
            f"Invalid '{member}' setting for task. For more information, see the Troubleshooting section of the "
            "Amazon ECS Developer Guide."
        )
    return str(int(units))


def _container(given: Mapping[str, Any], mode: str) -> dict[str, Any]:
    container = {"cpu": 0, "essential": True, **given}
    for member in _EMPTY_LISTS:
        container[member] = list(container.get(member, []))
    container["portMappings"] = [_port(mapping, mode) for mapping in container["portMappings"]]
    container["environment"] = [{"value": "", **variable} for variable in container["environment"]]
    if container.get("healthCheck"):
        container["healthCheck"] = {**_HEALTH_DEFAULTS, **container["healthCheck"]}
    return container


def _port(given: Mapping[str, Any], mode: str) -> dict[str, Any]:
    mapping = {"protocol": "tcp", **given}
    if "containerPort" in mapping and not mapping.get("hostPort"):
        mapping["hostPort"] = mapping["containerPort"] if mode in {"awsvpc", "host"} else 0
    return mapping


def compatibilities(body: Mapping[str, Any], port: int) -> list[str]:
    """The computed list; the rules for EXTERNAL and MANAGED_INSTANCES are general knowledge (unconfirmed)."""
    found = ["EC2"]
    if body.get("networkMode", "bridge") != "awsvpc":
        found.insert(0, "EXTERNAL")
    if suits_fargate(body, port):
        found.append("FARGATE")
    if body.get("networkMode") in {"awsvpc", "host"}:
        found.append("MANAGED_INSTANCES")
    return found
