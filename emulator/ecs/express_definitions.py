"""The task definition that ECS registers for a configuration of an Express service (developer guide: "Resources created")."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.ecs.express_rules import MAIN
from emulator.ecs.task_definitions import register_task_definition

_COPIED = ("command", "environment", "secrets", "repositoryCredentials")


def port_name(configuration: Mapping[str, Any]) -> str:
    """The name of the port that gets the traffic (unconfirmed)."""
    return f"{MAIN.lower()}-{configuration['primaryContainer']['containerPort']}-tcp"


def definition_request(configuration: Mapping[str, Any], family: str, region: str) -> dict[str, Any]:
    """What is registered."""
    given = configuration["primaryContainer"]
    logs = given["awsLogsConfiguration"]
    container: dict[str, Any] = {
        "name": MAIN,
        "image": given["image"],
        "essential": True,
        "portMappings": [
            {"containerPort": given["containerPort"], "protocol": "tcp", "name": port_name(configuration)}
        ],
        "linuxParameters": {"initProcessEnabled": True},
        "stopTimeout": 30,
        "versionConsistency": "enabled",
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": logs["logGroup"],
                "awslogs-region": region,
                "awslogs-stream-prefix": logs["logStreamPrefix"],
                "mode": "non-blocking",
                "max-buffer-size": "25m",
            },
        },
        **{member: given[member] for member in _COPIED if given.get(member)},
    }
    roles = {name: configuration[name] for name in ("executionRoleArn", "taskRoleArn") if configuration.get(name)}
    return {
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": configuration["cpu"],
        "memory": configuration["memory"],
        "runtimePlatform": {
            "operatingSystemFamily": "LINUX",
            "cpuArchitecture": configuration.get("cpuArchitecture", "X86_64"),
        },
        "containerDefinitions": [container],
        **roles,
    }


def task_definition(
    context: Context, configuration: Mapping[str, Any], before: Mapping[str, Any] | None, family: str
) -> str:
    """The ARN of the task definition for the configuration; a new revision where it asks for another one than before."""
    if configuration.get("ownDefinition"):
        return str(configuration["taskDefinitionArn"])
    request = definition_request(configuration, family, context.region)
    kept = before is not None and not before.get("ownDefinition")
    if kept and before is not None and definition_request(before, family, context.region) == request:
        return str(before["taskDefinitionArn"])
    made = register_task_definition(context, request)  # type: ignore[arg-type]  # a document of the request's form
    return str(made["taskDefinition"]["taskDefinitionArn"])
