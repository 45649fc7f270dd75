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
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.docker-plugin.local",
    "ecs.capability.pid-ipc-namespace-sharing",
)
"""What a simulated host's agent can do. What it cannot (EFS, env files, firelens …) is not listed: a task that
needs it is not placed, for the reason ATTRIBUTE."""


def is_ecr_image(image: str, port: int) -> bool:
    """Whether `image` is in AWS's ECR or in the emulated one, which listens on `port`."""
    registry = image.partition("/")[0]
    return ".dkr.ecr." in registry or registry in {f"localhost:{port}", f"127.0.0.1:{port}"}


def requires_attributes(body: Mapping[str, Any], port: int) -> list[dict[str, str]]:
    """The attributes in order of name. `port` is that of the emulated ECR."""
    names = {f"{_DOCKER}docker-remote-api.1.17", *_of_task(body)}
    for container in body["containerDefinitions"]:
        names.update(_of_container(container))
        names.update(_of_logging(container, body))
        if is_ecr_image(container["image"], port):
            names.add(f"{_DOCKER}ecr-auth")
            if body.get("executionRoleArn"):
                names.add("ecs.capability.execution-role-ecr-pull")
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
    if body.get("enableFaultInjection"):
        yield "ecs.capability.fault-injection"
    for volume in body["volumes"]:
        yield from _of_volume(volume)


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    if "efsVolumeConfiguration" in volume:
        yield "ecs.capability.efs"
        if volume["efsVolumeConfiguration"].get("authorizationConfig"):
            yield "ecs.capability.efsAuth"
    if "dockerVolumeConfiguration" in volume:
        yield f"ecs.capability.docker-plugin.{volume['dockerVolumeConfiguration'].get('driver', 'local')}"
    if volume.get("configuredAtLaunch"):
        yield "ecs.capability.storage.ebs-task-volume-attach"


def _of_logging(container: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    driver = container.get("logConfiguration", {}).get("logDriver")
    if driver:
        yield f"{_DOCKER}logging-driver.{driver}"
        yield f"{_DOCKER}docker-remote-api.1.18"
    if driver == "awslogs":
        yield f"{_DOCKER}docker-remote-api.1.19"
        if body.get("executionRoleArn"):
            yield "ecs.capability.execution-role-awslogs"
    router = container.get("firelensConfiguration")
    if router:
        yield f"ecs.capability.firelens.{router['type']}"


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    for member, names in _MEMBERS.items():
        if container.get(member):
            yield from names
    linux = container.get("linuxParameters", {})
    if linux.get("initProcessEnabled"):
        yield f"{_DOCKER}docker-remote-api.1.25"
    if linux.get("tmpfs"):
        yield f"{_DOCKER}docker-remote-api.1.22"
    if any(mapping.get("containerPortRange") for mapping in container["portMappings"]):
        yield "ecs.capability.network.container-port-range"
    for secret in container.get("secrets", []):
        store = "asm" if ":secretsmanager:" in secret.get("valueFrom", "") else "ssm"
        yield f"ecs.capability.secrets.{store}.environment-variables"


_MEMBERS = {
    "privileged": (f"{_DOCKER}privileged-container",),
    "repositoryCredentials": ("ecs.capability.private-registry-authentication.secretsmanager",),
    "healthCheck": ("ecs.capability.container-health-check", f"{_DOCKER}docker-remote-api.1.24"),
    "dependsOn": ("ecs.capability.container-ordering",),
    "startTimeout": ("ecs.capability.container-ordering",),
    "stopTimeout": ("ecs.capability.container-ordering",),
    "environmentFiles": ("ecs.capability.env-files.s3",),
    "restartPolicy": ("ecs.capability.container-restart-policy",),
    "memoryReservation": (f"{_DOCKER}docker-remote-api.1.21",),
    "ulimits": (f"{_DOCKER}docker-remote-api.1.18",),
    "dockerLabels": (f"{_DOCKER}docker-remote-api.1.18",),
}
"""Which remote API each member needs follows the parameters' documentation (unconfirmed for the computed list)."""
