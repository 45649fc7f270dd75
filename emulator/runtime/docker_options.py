"""A container of a task → what the engine is asked for. Pure: no engine is spoken to here."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from docker.types import Mount as DockerMount
from docker.types import Ulimit as DockerUlimit

from emulator.runtime.ports import ContainerSpec, HealthCheck, Mount, TaskSpec

_MIB = 1024 * 1024
_SECOND = 1_000_000_000
SERVER, TASK, CONTAINER = "ashore.server", "com.amazonaws.ecs.task-arn", "com.amazonaws.ecs.container-name"
PAUSE = "~internal~ecs~pause"


def container_name(task: TaskSpec, container: str) -> str:
    """The engine's name of a container: the same for the same task, so that a command given again finds it."""
    plain = re.sub(r"[^A-Za-z0-9]", "", container)
    digest = sha256(f"{task.arn}/{container}".encode()).hexdigest()[:20]
    return f"ecs-{task.family}-{task.revision}-{plain}-{digest}"


def labels(server_id: str, task: TaskSpec, container: str) -> dict[str, str]:
    """The agent's labels, and whose server it is."""
    return {
        SERVER: server_id,
        TASK: task.arn,
        CONTAINER: container,
        "com.amazonaws.ecs.cluster": task.cluster_arn,
        "com.amazonaws.ecs.task-definition-family": task.family,
        "com.amazonaws.ecs.task-definition-version": str(task.revision),
        "ashore.service": task.service_arn or "",
        "ashore.host": task.container_instance_arn or "",
    }


def create_options(server_id: str, task: TaskSpec, container: ContainerSpec, image_id: str) -> dict[str, Any]:
    """Arguments of the SDK's `containers.create`."""
    options: dict[str, Any] = {
        "image": image_id,
        "name": container_name(task, container.name),
        "labels": {**container.docker_labels, **labels(server_id, task, container.name)},
        "environment": dict(container.environment),
        "command": list(container.command) if container.command is not None else None,
        "entrypoint": list(container.entry_point) if container.entry_point is not None else None,
        "user": container.user,
        "working_dir": container.working_directory,
        "hostname": container.hostname,
        "privileged": container.privileged,
        "read_only": container.read_only_root,
        "stdin_open": container.interactive,
        "tty": container.pseudo_terminal,
        "init": container.init_process or None,
        "cap_add": list(container.capabilities_add),
        "cap_drop": list(container.capabilities_drop),
        "cpu_shares": max(2, container.cpu),
        "ulimits": [DockerUlimit(name=u.name, soft=u.soft, hard=u.hard) for u in container.ulimits],
        "mounts": [_mount(task, mount) for mount in container.mounts],
        "volumes_from": [
            f"{container_name(task, name)}{':ro' if read_only else ''}" for name, read_only in container.volumes_from
        ],
        "sysctls": dict(container.system_controls) or None,
        "healthcheck": _health(container.health_check),
        "detach": True,
    }
    options |= _memory(task, container)
    options |= _network(task, container)
    return {name: value for name, value in options.items() if value is not None}


def _memory(task: TaskSpec, container: ContainerSpec) -> dict[str, Any]:
    hard = container.memory or task.memory_limit
    found: dict[str, Any] = {}
    if hard:
        found["mem_limit"] = hard * _MIB
    if container.memory_reservation:
        found["mem_reservation"] = container.memory_reservation * _MIB
    if container.shared_memory_mib:
        found["shm_size"] = container.shared_memory_mib * _MIB
    return found


def _network(task: TaskSpec, container: ContainerSpec) -> dict[str, Any]:
    match task.network_mode:
        case "awsvpc":
            return {"network_mode": f"container:{container_name(task, PAUSE)}"}
        case "host" | "none":
            return {"network_mode": task.network_mode}
    address = task.host_address or "127.0.0.1"
    return {
        "ports": {f"{p.container_port}/{p.protocol}": (address, p.host_port or None) for p in container.ports},
        "links": {
            container_name(task, link.partition(":")[0]): link.partition(":")[2] or link for link in container.links
        }
        or None,
        "extra_hosts": dict(container.extra_hosts) or None,
        "dns": list(container.dns_servers) or None,
    }


def _mount(task: TaskSpec, mount: Mount) -> DockerMount:
    if mount.kind == "bind":
        return DockerMount(mount.target, mount.source, type="bind", read_only=mount.read_only)
    name = mount.source if mount.kind == "shared-volume" else volume_name(task.arn, mount.source)
    return DockerMount(mount.target, name, type="volume", read_only=mount.read_only)


def volume_name(task_arn: str, source: str) -> str:
    """The engine's name of a task's own volume."""
    return f"ecs-{sha256(task_arn.encode()).hexdigest()[:20]}-{source}"


def _health(check: HealthCheck | None) -> Mapping[str, Any]:
    """ECS ignores an image's own HEALTHCHECK, hence NONE."""
    if check is None:
        return {"test": ["NONE"]}
    return {
        "test": list(check.command),
        "interval": int(check.interval * _SECOND),
        "timeout": int(check.timeout * _SECOND),
        "retries": check.retries,
        "start_period": int(check.start_period * _SECOND),
    }
