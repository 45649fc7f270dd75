"""What RunTask and StartTask refuse before anything is placed (reference: ecs.md §1.14, §1.15)."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from emulator.context import Context
from emulator.ecs.demand import containers_with_overrides
from emulator.ecs.errors import ClientException, InvalidParameterException, UnsupportedFeatureException
from emulator.ecs.fargate_rules import check_fargate
from emulator.ecs.launch_rules import check_launch_type
from emulator.ecs.tags import check_tags
from emulator.ecs.task_definition_form import units
from emulator.ecs.task_definition_rules import check_members
from emulator.ecs.task_definitions import find_task_definition
from emulator.state.ecs import TaskDefinitionRow

_LETTERS = {"startedBy": re.compile(r"[A-Za-z0-9_/-]*"), "clientToken": re.compile(r"[!-~]*")}


def usable_task_definition(context: Context, identifier: str) -> TaskDefinitionRow:
    """The ACTIVE revision that RunTask names."""
    if not identifier:
        raise InvalidParameterException("Task Definition can not be blank.")
    definition = find_task_definition(context, identifier)
    if definition is None:
        raise ClientException("TaskDefinition not found.")
    if definition.status != "ACTIVE":
        raise InvalidParameterException("TaskDefinition is inactive")
    return definition


def check_compatible(
    definition: TaskDefinitionRow, launch_type: str, network_configuration: Mapping[str, Any] | None
) -> None:
    """Launch type and network configuration must go with the task definition."""
    check_launch_type(launch_type)
    body = definition.body
    declared = body.get("requiresCompatibilities") or body["compatibilities"]
    if launch_type not in declared:
        raise InvalidParameterException(f"Task definition does not support launch_type {launch_type}.")
    awsvpc = body.get("networkMode") == "awsvpc"
    if awsvpc and not network_configuration:
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if network_configuration and not awsvpc:
        raise InvalidParameterException(
            "Network Configuration is not valid for the given networkMode of this task definition."
        )
    if awsvpc and not (network_configuration or {}).get("awsvpcConfiguration", {}).get("subnets"):
        raise InvalidParameterException("subnets can not be empty.")


def checked_overrides(
    definition: TaskDefinitionRow, overrides: Mapping[str, Any], launch_type: str, port: int
) -> dict[str, Any]:
    """Overrides with cpu and memory in units. `port` is that of the emulated ECR.

    With them the task definition must still be one that can be registered; that it is refused in the words of
    RegisterTaskDefinition is (unconfirmed).

    Raises:
        ClientException: a rule of task definitions or of Fargate's is broken.
        InvalidParameterException: a container is not in the task definition, or the overrides are too long.

    """
    if not overrides:
        return {}
    if len(orjson.dumps(overrides)) > 8192:
        raise InvalidParameterException("Overrides must be at most 8192 characters.")  # (unconfirmed) text
    names = {container["name"] for container in definition.body["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )
    sizes = {member: units(overrides[member], member) for member in ("cpu", "memory") if overrides.get(member)}
    checked = {**overrides, **sizes}
    storage = {"ephemeralStorage": checked["ephemeralStorage"]} if "ephemeralStorage" in checked else {}
    containers = containers_with_overrides(definition.body, checked)
    body = {**definition.body, **sizes, **storage, "containerDefinitions": containers}
    check_members(body)
    if launch_type == "FARGATE":
        check_fargate(body, port)
    return checked


def refuse_unsupported(request: Mapping[str, Any]) -> None:
    """Raise UnsupportedFeatureException where a task would not have what the request asks for."""
    if request.get("volumeConfigurations"):
        raise UnsupportedFeatureException("Not emulated yet: volumeConfigurations.")


def check_labels(request: Mapping[str, Any], started_by: int) -> None:
    """Length (of startedBy at most `started_by`) and letters of what callers name tasks by; texts are (unconfirmed)."""
    for member, most in (("group", 255), ("startedBy", started_by), ("clientToken", 64)):
        text = request.get(member, "")
        if len(text) > most:
            raise InvalidParameterException(f"{member} must be at most {most} characters.")
        if member in _LETTERS and not _LETTERS[member].fullmatch(text):
            raise InvalidParameterException(f"{member} contains invalid characters.")


def task_tags(definition: TaskDefinitionRow, cluster_name: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tags of a standalone task: the caller's own before those of the task definition, and ECS's."""
    tags = {tag["key"]: tag for tag in check_tags(request.get("tags", []))}
    if request.get("propagateTags") == "SERVICE":
        raise InvalidParameterException("propagateTags should be one of [TASK_DEFINITION,NONE]")  # (unconfirmed) text
    if request.get("propagateTags") == "TASK_DEFINITION":
        tags = {tag["key"]: tag for tag in definition.tags} | tags
    if request.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = {"key": "aws:ecs:clusterName", "value": cluster_name}
    return list(tags.values())
