"""What a task's row keeps of its containers, and how a task is shown."""

from typing import Any, NotRequired, TypedDict

from emulator.ecs.managed_agents import with_agent
from emulator.state.ecs import TaskRow


class ContainerDocument(TypedDict):
    """A container as DescribeTasks shows it; members are absent until they are known."""

    containerArn: str
    taskArn: str
    name: str
    image: str
    lastStatus: str
    networkInterfaces: list[dict[str, Any]]
    healthStatus: str
    cpu: str
    networkBindings: NotRequired[list[dict[str, Any]]]
    memory: NotRequired[str]
    memoryReservation: NotRequired[str]
    runtimeId: NotRequired[str]
    imageDigest: NotRequired[str]
    exitCode: NotRequired[int]
    reason: NotRequired[str]
    execAgent: NotRequired[dict[str, str]]
    """Not shown as such: see `emulator.ecs.managed_agents`."""
    startedAt: NotRequired[str]
    """ISO 8601, where the definition has a `startTimeout`; not shown."""


_STORAGE = 20
"""GiB that a Fargate task has where nobody asked for a size."""
_INSTANTS = {
    "connectivityAt": "connectivity_at",
    "pullStartedAt": "pull_started_at",
    "pullStoppedAt": "pull_stopped_at",
    "startedAt": "started_at",
    "stoppingAt": "stopping_at",
    "executionStoppedAt": "execution_stopped_at",
    "stoppedAt": "stopped_at",
}
_OPTIONAL = {
    "containerInstanceArn": "container_instance_arn",
    "capacityProviderName": "capacity_provider",
    "platformVersion": "platform_version",
    "startedBy": "started_by",
    "connectivity": "connectivity",
    "stopCode": "stop_code",
    "stoppedReason": "stopped_reason",
}


def describe_task(row: TaskRow, *, tags: bool = False) -> dict[str, Any]:
    """A task as DescribeTasks shows it."""
    document: dict[str, Any] = {
        "attachments": row.attachments,
        "attributes": row.attributes,
        "clusterArn": row.cluster_arn,
        "containers": [_shown(item, exec_agent=row.enable_execute_command) for item in row.containers],
        "cpu": row.cpu,
        "createdAt": row.created_at,
        "desiredStatus": row.desired_status,
        "enableExecuteCommand": row.enable_execute_command,
        "group": row.group,
        "healthStatus": row.health_status,
        "lastStatus": row.last_status,
        "launchType": row.launch_type,
        "memory": row.memory,
        "overrides": row.overrides,
        "tags": row.tags if tags else [],
        "taskArn": row.arn,
        "taskDefinitionArn": row.task_definition_arn,
        "version": row.version,
    }
    if row.zone:  # one that waits for a host has none
        document["availabilityZone"] = row.zone
    if row.launch_type == "FARGATE":
        storage = row.ephemeral_storage or _STORAGE
        document |= {"platformFamily": "Linux", "ephemeralStorage": {"sizeInGiB": storage}}
    for shown, column in (*_INSTANTS.items(), *_OPTIONAL.items()):
        value = getattr(row, column)
        if value is not None:
            document[shown] = value
    return document


def _shown(container: dict[str, Any], *, exec_agent: bool) -> dict[str, Any]:
    if "startedAt" in container:
        container = {member: value for member, value in container.items() if member != "startedAt"}
    return with_agent(container) if exec_agent else container
