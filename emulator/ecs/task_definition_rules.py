"""What a task definition must satisfy before it is registered, in ECS's words (reference: ecs.md §2.3-§2.7)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.names import is_name
from scheduler.constraints.member_of import MemberOf
from scheduler.query.parse import QuerySyntaxError

_IMAGE = re.compile(r"[A-Za-z0-9_.:/#@-]{1,255}")
_PORT_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_NETWORK_MODES = ("bridge", "host", "awsvpc", "none")
_CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")
_RESERVED_PORTS = {22, 2375, 2376, 51678, 51679, 51680}

Container = Mapping[str, Any]


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
    containers: Sequence[Container] = body["containerDefinitions"]
    if not containers:
        raise ClientException("Container list cannot be empty.")
    if len(containers) > 10:
        raise ClientException("Task definition does not support more than 10 containers.")  # (unconfirmed) text
    mode = body.get("networkMode", "bridge")
    if mode not in _NETWORK_MODES:
        raise ClientException(f"networkMode should be one of [{','.join(_NETWORK_MODES)}]")  # (unconfirmed) text
    volumes = {volume.get("name") for volume in body["volumes"]}
    names = [container.get("name") for container in containers]
    for container in containers:
        _check_container(container, mode, volumes, has_task_memory="memory" in body)
    if len(set(names)) < len(names):
        raise ClientException("Container names must be unique within a task definition.")  # (unconfirmed) text
    if not any(container["essential"] for container in containers):
        raise ClientException("At least one container must be marked essential.")  # (unconfirmed) text
    _check_dependencies(containers)
    _check_sums(body, containers)
    _check_constraints(body["placementConstraints"])
    if any(container.get("secrets") for container in containers) and not body.get("executionRoleArn"):
        raise ClientException(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )


def _check_container(container: Container, mode: str, volumes: set[Any], *, has_task_memory: bool) -> None:
    name = container.get("name")
    if not name:
        raise ClientException("Container.name should not be null or empty.")
    if not is_name(name):
        raise ClientException("Container.name contains invalid characters.")
    if not container.get("image"):
        raise ClientException("Container.image should not be null or empty.")
    if not _IMAGE.fullmatch(container["image"]):
        raise ClientException("Container.image contains invalid characters.")
    _check_memory(container, has_task_memory=has_task_memory)
    _check_mode(container, mode)
    for mount in container["mountPoints"]:
        if mount.get("sourceVolume") not in volumes:
            raise ClientException(f"Unknown volume '{mount.get('sourceVolume')}'.")  # (unconfirmed) text
    for mapping in container["portMappings"]:
        _check_port(mapping, name, mode)
    _check_health(container.get("healthCheck"))
    _check_logging(container.get("logConfiguration"))


def _check_mode(container: Container, mode: str) -> None:
    if container.get("links") and mode != "bridge":
        raise ClientException(f"Links are not supported when networkMode={mode}.")
    if container.get("hostname") and mode == "awsvpc":
        raise ClientException("hostname is not supported on container when networkMode=awsvpc.")
    if container.get("extraHosts") and mode == "awsvpc":
        raise ClientException("extraHosts is not supported on container when networkMode=awsvpc.")


def _check_memory(container: Container, *, has_task_memory: bool) -> None:
    hard, soft = container.get("memory"), container.get("memoryReservation")
    if not (hard or soft or has_task_memory):
        raise ClientException(
            f"Invalid setting for container '{container['name']}'. "
            "At least one of 'memory' or 'memoryReservation' must be specified."
        )
    if hard and soft and soft > hard:
        raise ClientException(
            f"Invalid setting for container '{container['name']}'. "
            "The value of 'memoryReservation' must not be greater than 'memory'."  # (unconfirmed) text
        )
    if hard is not None and 0 < hard < 6:
        raise ClientException(
            f"Invalid 'memory' setting for container '{container['name']}'."  # (unconfirmed) text
        )


def _check_port(mapping: Mapping[str, Any], name: str, mode: str) -> None:
    if mode == "none":
        raise ClientException("Port mappings are not supported when networkMode=none.")  # (unconfirmed) text
    if mapping.get("containerPortRange"):
        return
    port, host = mapping.get("containerPort"), mapping.get("hostPort", 0)
    if not port or not 1 <= port <= 65535:
        raise ClientException(f"Invalid 'containerPort' setting for container '{name}'.")
    if not 0 <= host <= 65535:
        raise ClientException(f"Invalid 'hostPort' setting for container '{name}'.")
    if mapping.get("protocol") not in {"tcp", "udp"}:
        raise ClientException(f"Invalid 'protocol' setting for container '{name}'.")  # (unconfirmed) text
    if host not in {0, port} and mode in {"awsvpc", "host"}:
        raise ClientException(
            f"When networkMode={mode}, the host ports and container ports in port mappings must match."
        )
    if mode == "bridge" and host in _RESERVED_PORTS:
        raise ClientException(f"Host port {host} is reserved by the container agent.")  # (unconfirmed) text
    port_name = mapping.get("name")
    if port_name is not None and not _PORT_NAME.fullmatch(port_name):
        raise ClientException(f"Invalid port mapping name '{port_name}'.")  # (unconfirmed) text
    if mapping.get("appProtocol") and port_name is None:
        raise ClientException("appProtocol requires a name in the port mapping.")  # (unconfirmed) text


def _check_health(check: Mapping[str, Any] | None) -> None:
    if check is None:
        return
    if not check.get("command") or check["command"][0] not in {"CMD", "CMD-SHELL", "NONE"}:
        raise ClientException("Health check command must begin with CMD or CMD-SHELL.")  # (unconfirmed) text
    for member, least, most in (("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)):
        value = check.get(member)
        if value is not None and not least <= value <= most:
            raise ClientException(f"Health check {member} must be between {least} and {most}.")  # (unconfirmed) text


def _check_logging(logging: Mapping[str, Any] | None) -> None:
    if logging is None or logging.get("logDriver") != "awslogs":
        return
    options = logging.get("options", {})
    needed = [name for name in ("awslogs-region", "awslogs-group") if not options.get(name)]
    if needed:
        raise ClientException("Log driver awslogs requires options: awslogs-region, awslogs-group")


def _check_dependencies(containers: Sequence[Container]) -> None:
    by_name = {container["name"]: container for container in containers}
    for container in containers:
        for dependency in container.get("dependsOn", []):
            target = by_name.get(dependency["containerName"])
            if target is None or target is container:
                raise ClientException(
                    f"Invalid dependency of container '{container['name']}': '{dependency['containerName']}'."
                )  # (unconfirmed) text
            if dependency["condition"] not in _CONDITIONS:
                raise ClientException(f"condition should be one of [{','.join(_CONDITIONS)}]")  # (unconfirmed) text
            if dependency["condition"] in {"COMPLETE", "SUCCESS"} and target["essential"]:
                raise ClientException(
                    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
                )
            if dependency["condition"] == "HEALTHY" and "healthCheck" not in target:
                raise ClientException(
                    f"Container '{target['name']}' needs a healthCheck for a HEALTHY dependency."
                )  # (unconfirmed) text
    _refuse_cycles({c["name"]: [d["containerName"] for d in c.get("dependsOn", [])] for c in containers})


def _refuse_cycles(graph: Mapping[str, Sequence[str]]) -> None:
    settled: set[str] = set()
    while len(settled) < len(graph):
        free = {name for name, needs in graph.items() if name not in settled and settled.issuperset(needs)}
        if not free:
            raise ClientException("Container dependencies must not contain a cycle.")  # (unconfirmed) text
        settled |= free


def _check_sums(body: Mapping[str, Any], containers: Sequence[Container]) -> None:
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
