"""What RunTask and StartTask refuse before anything is placed (reference: ecs.md §1.14, §1.15)."""

from collections.abc import Mapping
from typing import Any

import orjson

from emulator.context import Context
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.tags import check_tags
from emulator.ecs.task_definitions import find_task_definition
from emulator.state.ecs import TaskDefinitionRow


def usable_task_definition(context: Context, identifier: str) -> TaskDefinitionRow:
    """The ACTIVE revision that RunTask names."""
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
    if launch_type not in {"EC2", "FARGATE", "EXTERNAL"}:
        raise InvalidParameterException("launch type should be one of [EC2,FARGATE,EXTERNAL]")
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


def check_overrides(definition: TaskDefinitionRow, overrides: Mapping[str, Any]) -> None:
    """Overrides name containers of the task definition, and are not too long."""
    if len(orjson.dumps(overrides)) > 8192:
        raise InvalidParameterException("Overrides must be at most 8192 characters.")  # (unconfirmed) text
    names = {container["name"] for container in definition.body["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )


def check_labels(request: Mapping[str, Any], started_by: int) -> None:
    """The lengths of what callers name tasks by; the texts are (unconfirmed)."""
    for member, most in (("group", 255), ("startedBy", started_by), ("clientToken", 64)):
        if len(request.get(member, "")) > most:
            raise InvalidParameterException(f"{member} must be at most {most} characters.")


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
