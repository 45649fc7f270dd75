"""What a task definition needs of a host's agent: the computed `requiresAttributes` (reference: ecs.md §2.9)."""

from collections.abc import Iterator, Mapping
from typing import Any

_DOCKER = "com.amazonaws.ecs.capability."

ALL_CAPABILITIES = (
    *(f"{_DOCKER}docker-remote-api.1.{minor}" for minor in range(17, 45)),
    *(f"{_DOCKER}logging-driver.{driver}" for driver in ("awslogs", "json-file", "syslog", "fluentd", "none")),
    f"{_DOCKER}ecr-auth",
    f"{_DOCKER}task-iam-role",
    f"{_DOCKER}task-iam-role-network-host",
    f"{_DOCKER}privileged-container",
    "ecs.capability.task-eni",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.docker-plugin.local",
    "ecs.capability.pid-ipc-namespace-sharing",
)
"""What a simulated host's agent can do. What it cannot (EFS, env files, secrets, firelens …) is not listed: a task that
needs it is not placed, for the reason ATTRIBUTE."""


def requires_attributes(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """The attributes in order of name."""
    names = {f"{_DOCKER}docker-remote-api.1.17", *_of_task(body)}
    for container in body["containerDefinitions"]:
        names.update(_of_container(container, body))
    return [{"name": name} for name in sorted(names)]


def _of_task(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("taskRoleArn"):
        yield f"{_DOCKER}task-iam-role" + ("-network-host" if body.get("networkMode") == "host" else "")
    if body.get("networkMode") == "awsvpc":
        yield "ecs.capability.task-eni"
    if "cpu" in body or "memory" in body:
        yield "ecs.capability.task-cpu-mem-limit"
    if body.get("pidMode") or body.get("ipcMode"):
        yield "ecs.capability.pid-ipc-namespace-sharing"
    for volume in body["volumes"]:
        if "efsVolumeConfiguration" in volume:
            yield "ecs.capability.efs"
        if "dockerVolumeConfiguration" in volume:
            yield f"ecs.capability.docker-plugin.{volume['dockerVolumeConfiguration'].get('driver', 'local')}"


def _of_container(container: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    driver = container.get("logConfiguration", {}).get("logDriver")
    if driver:
        yield f"{_DOCKER}logging-driver.{driver}"
        if driver == "awslogs" and body.get("executionRoleArn"):
            yield "ecs.capability.execution-role-awslogs"
    if ".dkr.ecr." in container["image"]:
        yield f"{_DOCKER}ecr-auth"
        if body.get("executionRoleArn"):
            yield "ecs.capability.execution-role-ecr-pull"
    for member, name in _MEMBERS.items():
        if container.get(member):
            yield name
    for secret in container.get("secrets", []):
        store = "asm" if ":secretsmanager:" in secret.get("valueFrom", "") else "ssm"
        yield f"ecs.capability.secrets.{store}.environment-variables"


_MEMBERS = {
    "privileged": f"{_DOCKER}privileged-container",
    "healthCheck": "ecs.capability.container-health-check",
    "dependsOn": "ecs.capability.container-ordering",
    "startTimeout": "ecs.capability.container-ordering",
    "stopTimeout": "ecs.capability.container-ordering",
    "environmentFiles": "ecs.capability.env-files.s3",
    "restartPolicy": "ecs.capability.container-restart-policy",
}
