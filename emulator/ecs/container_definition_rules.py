"""What each container definition must satisfy, in ECS's words (reference: ecs.md §2.3); Fargate asks for more."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from emulator.ecs.errors import ClientException
from emulator.ecs.names import is_name
from emulator.ecs.port_mapping_rules import check_port_mappings

_IMAGE = re.compile(r"[A-Za-z0-9_.:/#@-]{1,255}")
_LEAST_MEMORY = 6
_NOT_AWSVPC = ("hostname", "dnsServers", "dnsSearchDomains", "extraHosts")
_HEALTH_LIMITS = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
_ULIMITS = frozenset({
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
})  # fmt: skip

Container = Mapping[str, Any]


def check_container(container: Container, body: Mapping[str, Any]) -> None:
    """All rules of one container that hold for every launch type; both are normalised.

    Raises:
        ClientException: the first rule violated.

    """
    _check_name_and_image(container)
    _check_memory(container, has_task_memory="memory" in body)
    mode = body.get("networkMode", "bridge")
    _check_network(container, mode)
    check_port_mappings(container["portMappings"], container["name"], mode)
    _check_mounts(container, {volume.get("name") for volume in body["volumes"]})
    _check_health(container.get("healthCheck"))
    _check_restarts(container.get("restartPolicy"))
    _check_environment(container)
    _check_process(container)
    _check_system_controls(container)
    _check_logging(container.get("logConfiguration"))


def _check_name_and_image(container: Container) -> None:
    if not container.get("name"):
        raise ClientException("Container.name should not be null or empty.")
    if not is_name(container["name"]):
        raise ClientException("Container.name contains invalid characters.")  # (unconfirmed) text
    if not container.get("image"):
        raise ClientException("Container.image should not be null or empty.")
    if not _IMAGE.fullmatch(container["image"]):
        raise ClientException("Container.image contains invalid characters.")
    if container["cpu"] < 0:
        raise ClientException(f"Invalid 'cpu' setting for container '{container['name']}'.")  # (unconfirmed) text


def _check_memory(container: Container, *, has_task_memory: bool) -> None:
    """Equal values of both are accepted (unconfirmed: the documentation asks for more, tools allow it)."""
    hard, soft, name = container.get("memory"), container.get("memoryReservation"), container["name"]
    if not (hard or soft or has_task_memory):
        raise ClientException(
            f"Invalid setting for container '{name}'. "
            "At least one of 'memory' or 'memoryReservation' must be specified."
        )
    if hard and soft and soft > hard:
        raise ClientException(
            f"Invalid setting for container '{name}'. "
            "The value of 'memoryReservation' must not be greater than 'memory'."  # (unconfirmed) text
        )
    for member, value in (("memory", hard), ("memoryReservation", soft)):
        if value is not None and (value < 0 or 0 < value < _LEAST_MEMORY):
            raise ClientException(f"Invalid '{member}' setting for container '{name}'.")  # (unconfirmed) text


def _check_network(container: Container, mode: str) -> None:
    """The texts for dnsServers, dnsSearchDomains and extraHosts are by analogy with hostname's (unconfirmed)."""
    if container.get("links") and mode != "bridge":
        raise ClientException(f"Links are not supported when networkMode={mode}.")
    for member in _NOT_AWSVPC:
        if container.get(member) and mode == "awsvpc":
            raise ClientException(f"{member} is not supported on container when networkMode=awsvpc.")


def _check_mounts(container: Container, volumes: Collection[Any]) -> None:
    for mount in container["mountPoints"]:
        if mount.get("sourceVolume") not in volumes:
            raise ClientException(f"Unknown volume '{mount.get('sourceVolume')}'.")  # (unconfirmed) text
        if not mount.get("containerPath"):
            raise ClientException(
                f"Invalid 'containerPath' setting for container '{container['name']}'."  # (unconfirmed) text
            )


def _check_health(check: Mapping[str, Any] | None) -> None:
    """Texts are (unconfirmed)."""
    if check is None:
        return
    command = check.get("command")
    if not command or command[0] not in {"CMD", "CMD-SHELL", "NONE"}:
        raise ClientException("Health check command must begin with CMD or CMD-SHELL.")
    for member, (least, most) in _HEALTH_LIMITS.items():
        if check.get(member) is not None and not least <= check[member] <= most:
            raise ClientException(f"Health check {member} must be between {least} and {most}.")


def _check_restarts(policy: Mapping[str, Any] | None) -> None:
    """Texts are (unconfirmed)."""
    if policy is None:
        return
    if len(policy.get("ignoredExitCodes", [])) > 50:
        raise ClientException("restartPolicy.ignoredExitCodes cannot have more than 50 elements.")
    if not 60 <= policy.get("restartAttemptPeriod", 300) <= 1800:
        raise ClientException("restartPolicy.restartAttemptPeriod must be between 60 and 1800.")


def _check_environment(container: Container) -> None:
    """Texts are (unconfirmed)."""
    files: Sequence[Mapping[str, Any]] = container.get("environmentFiles", [])
    if len(files) > 10:
        raise ClientException("environmentFiles cannot have more than 10 elements.")
    for file in files:
        if not (re.fullmatch(r"arn:[a-z-]+:s3:::.+", file.get("value", "")) and file["value"].endswith(".env")):
            raise ClientException("environmentFiles.value must be the ARN of an S3 object whose name ends in .env.")
    if not all(variable.get("name") for variable in container["environment"]):
        raise ClientException(f"Environment variables of container '{container['name']}' need a name.")
    names = [secret.get("name") for secret in container.get("secrets", [])]
    plain = {variable.get("name") for variable in container["environment"]}
    if len(set(names)) < len(names) or not plain.isdisjoint(names):
        raise ClientException(
            "The secret name must be unique and not shared with any new or existing environment variables "
            f"set on the container '{container['name']}'."
        )


def _check_process(container: Container) -> None:
    """Texts are (unconfirmed)."""
    for limit in container.get("ulimits", []):
        if limit.get("name") not in _ULIMITS:
            raise ClientException(f"Invalid ulimit '{limit.get('name')}'.")
        if -1 < limit["hardLimit"] < limit["softLimit"]:
            raise ClientException(f"The softLimit of ulimit '{limit['name']}' is greater than its hardLimit.")
    swappiness = container.get("linuxParameters", {}).get("swappiness", 0)
    if not 0 <= swappiness <= 100:
        raise ClientException("linuxParameters.swappiness must be between 0 and 100.")
    for requirement in container.get("resourceRequirements", []):
        if requirement.get("type") == "GPU" and not re.fullmatch("[1-9][0-9]{0,2}", requirement.get("value", "")):
            raise ClientException("The value of a GPU resource requirement must be a positive integer.")
    for member in ("startTimeout", "stopTimeout"):
        if container.get(member, 0) < 0:
            raise ClientException(f"Invalid '{member}' setting for container '{container['name']}'.")


def _check_system_controls(container: Container) -> None:
    """The text is (unconfirmed)."""
    for control in container["systemControls"]:
        if not control.get("namespace") or control.get("value") is None:
            raise ClientException(f"System controls of container '{container['name']}' need a namespace and a value.")


def _check_logging(logging: Mapping[str, Any] | None) -> None:
    if logging is None or logging.get("logDriver") != "awslogs":
        return
    options = logging.get("options", {})
    if not (options.get("awslogs-region") and options.get("awslogs-group")):
        raise ClientException("Log driver awslogs requires options: awslogs-region, awslogs-group")
