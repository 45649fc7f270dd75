"""What a task definition must satisfy before it is registered, in ECS's words (reference: ecs.md §2.3-§2.7)."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from emulator.ecs.container_definition_rules import check_container
from emulator.ecs.container_dependency_rules import check_dependencies
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.names import is_name
from emulator.ecs.volume_rules import check_volumes
from scheduler.constraints.member_of import MemberOf
from scheduler.query.parse import QuerySyntaxError

_NETWORK_MODES = ("bridge", "host", "awsvpc", "none")
_TASK_CPU = range(128, 196608 + 1)
_MOST_BYTES = 64 * 1024


def check_family(family: str) -> None:
    """The family's name."""
    if not family:
        raise InvalidParameterException("Family can not be blank.")
    if not is_name(family):
        raise ClientException("Family contains invalid characters.")


def check_task_definition(body: Mapping[str, Any]) -> None:
    """All rules that hold for every launch type. `body` is normalised.

    Raises:
        ClientException: the first rule violated.

    """
    check_members(body)
    size = len(orjson.dumps(body))
    if size > _MOST_BYTES:
        raise ClientException(f"Actual length: '{size}'. Max allowed length is '{_MOST_BYTES}' bytes.")


def check_members(body: Mapping[str, Any]) -> None:
    """The rules of a task definition but for its size; they hold with the overrides of a task, too.

    Raises:
        ClientException: the first rule violated.

    """
    containers: Sequence[Mapping[str, Any]] = body["containerDefinitions"]
    if not containers:
        raise ClientException("Container list cannot be empty.")
    if len(containers) > 10:
        raise ClientException("Task definition does not support more than 10 containers.")  # (unconfirmed) text
    mode = body.get("networkMode", "bridge")
    if mode not in _NETWORK_MODES:
        raise ClientException(f"networkMode should be one of [{','.join(_NETWORK_MODES)}]")  # (unconfirmed) text
    check_volumes(body["volumes"])
    for container in containers:
        check_container(container, body)
    if len({container["name"] for container in containers}) < len(containers):
        raise ClientException("Container names must be unique within a Task Definition.")
    if not any(container["essential"] for container in containers):
        raise ClientException("At least one container must be marked essential.")  # (unconfirmed) text
    check_dependencies(containers)
    _check_sums(body, containers)
    _check_routers(containers)
    _check_constraints(body["placementConstraints"])
    if any(container.get("secrets") for container in containers) and not body.get("executionRoleArn"):
        raise ClientException(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )


def _check_routers(containers: Sequence[Mapping[str, Any]]) -> None:
    """FireLens; texts are (unconfirmed)."""
    routers = sum(1 for container in containers if container.get("firelensConfiguration"))
    if routers > 1:
        raise ClientException("Only one container can have a firelensConfiguration.")
    if not routers and any(
        container.get("logConfiguration", {}).get("logDriver") == "awsfirelens" for container in containers
    ):
        raise ClientException("Log driver awsfirelens requires a container with a firelensConfiguration.")


def _check_sums(body: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> None:
    if "cpu" in body and int(body["cpu"]) not in _TASK_CPU:
        raise ClientException(
            "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the "
            "Amazon ECS Developer Guide."
        )
    if "cpu" in body and sum(container["cpu"] for container in containers) > int(body["cpu"]):
        raise ClientException(
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."
        )
    if "memory" in body and any(container.get("memory", 0) > int(body["memory"]) for container in containers):
        raise ClientException("The 'memory' setting for container is greater than for the task")


def _check_constraints(constraints: Sequence[Mapping[str, Any]]) -> None:
    if len(constraints) > 10:
        raise ClientException("Placement constraints cannot exceed 10 entries.")  # (unconfirmed) text
    for constraint in constraints:
        if constraint.get("type") != "memberOf":
            raise ClientException("Placement constraint type should be memberOf in task definitions.")  # (unconfirmed)
        try:
            MemberOf(constraint.get("expression", ""))
        except QuerySyntaxError as error:
            raise InvalidParameterException(f"Invalid expression: {error}") from error  # (unconfirmed) text
