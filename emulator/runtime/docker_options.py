"""A container of a task → what the engine is asked for. Pure: no engine is spoken to here.

Plain documents of the Engine API (1.41, engine 20.10), because the SDK's own builders hide which member is sent.
"""

import re
from collections import defaultdict
from hashlib import sha256
from typing import Any

from emulator.runtime.specs import ContainerSpec, HealthCheck, Mount, TaskSpec

_MIB = 1024 * 1024
_SECOND = 1_000_000_000
_PERIOD = 100_000
"""Microseconds over which a CPU quota is reckoned; the kernel's default."""

_CPU_UNITS = 1024

SERVER, TASK, CONTAINER = "ashore.server", "com.amazonaws.ecs.task-arn", "com.amazonaws.ecs.container-name"
HOST_PORTS = "ashore.host-ports"
"""Label with the ports declared in host mode, where the engine publishes nothing."""

PAUSE = "~internal~ecs~pause"

Document = dict[str, Any]


def container_name(task: TaskSpec, container: str) -> str:
    """The engine's name of a container: the same for the same task, so that a command given again finds it."""
    plain = re.sub(r"[^A-Za-z0-9]", "", container)
    digest = sha256(f"{task.arn}/{container}".encode()).hexdigest()[:20]
    return f"ecs-{task.family}-{task.revision}-{plain}-{digest}"


def labels(server_id: str, task: TaskSpec, container: str) -> dict[str, str]:
    """The agent's labels, and whose server it is."""
    found = {
        SERVER: server_id,
        TASK: task.arn,
        CONTAINER: container,
        "com.amazonaws.ecs.cluster": task.cluster_arn,
        "com.amazonaws.ecs.task-definition-family": task.family,
        "com.amazonaws.ecs.task-definition-version": str(task.revision),
    }
    if task.service_arn is not None:
        found["ashore.service"] = task.service_arn
    if task.container_instance_arn is not None:
        found["ashore.host"] = task.container_instance_arn
    return found


def create_document(server_id: str, task: TaskSpec, container: ContainerSpec, image_id: str) -> Document:
    """The body of the engine's `POST /containers/create`; members without a value are left to the image."""
    own_labels = labels(server_id, task, container.name)
    if task.network_mode == "host" and container.ports:
        own_labels[HOST_PORTS] = ",".join(f"{port.container_port}/{port.protocol}" for port in container.ports)
    found: Document = {
        "Image": image_id,
        "Cmd": _listed(container.command),
        "Entrypoint": _listed(container.entry_point),
        "Env": [f"{name}={value}" for name, value in container.environment.items()],
        "User": container.user,
        "WorkingDir": container.working_directory,
        "Hostname": container.hostname if task.network_mode != "awsvpc" else None,
        "Labels": {**container.docker_labels, **own_labels},
        "OpenStdin": container.interactive,
        "Tty": container.pseudo_terminal,
        "Healthcheck": _health(container.health_check),
        "ExposedPorts": {f"{port.container_port}/{port.protocol}": {} for port in container.ports}
        if task.network_mode == "bridge"
        else None,
        "HostConfig": _host(server_id, task, container),
    }
    return {name: value for name, value in found.items() if value is not None}


def _host(server_id: str, task: TaskSpec, container: ContainerSpec) -> Document:
    volumes = [mount for mount in container.mounts if mount.kind != "bind"]
    found: Document = {
        # shipped by us from here: the engine's default driver may not be readable
        "LogConfig": {"Type": "json-file", "Config": {}},
        "Privileged": container.privileged,
        "ReadonlyRootfs": container.read_only_root,
        "Init": container.init_process or None,
        "CapAdd": list(container.capabilities_add),
        "CapDrop": list(container.capabilities_drop),
        "Ulimits": [{"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard} for limit in container.ulimits],
        # a folder that does not exist is made by the engine, as on ECS; `Mounts` would refuse it
        "Binds": [_bind(mount) for mount in container.mounts if mount.kind == "bind"],
        "Mounts": [_volume(server_id, task, mount) for mount in volumes],
        "VolumesFrom": [
            f"{container_name(task, name)}:{'ro' if read_only else 'rw'}" for name, read_only in container.volumes_from
        ],
        "Sysctls": _sysctls(task, container),
        "SecurityOpt": list(container.security_options),
        "Tmpfs": {folder.target: ",".join((f"size={folder.size_mib}m", *folder.options)) for folder in container.tmpfs},
        "Devices": [
            {
                "PathOnHost": item.host_path,
                "PathInContainer": item.container_path,
                "CgroupPermissions": item.permissions,
            }
            for item in container.devices
        ],
        "PidMode": _namespace(task, task.pid_mode),
        "IpcMode": _namespace(task, task.ipc_mode),
    }
    found |= _limits(task, container) | _network(task, container)
    return {name: value for name, value in found.items() if value is not None}


def _namespace(task: TaskSpec, mode: str | None) -> str | None:
    """`task` is the pause container's; where there is none, each container keeps its own."""
    if mode == "task":
        return f"container:{container_name(task, PAUSE)}" if task.network_mode == "awsvpc" else None
    return mode


def _listed(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


def _limits(task: TaskSpec, container: ContainerSpec) -> Document:
    found: Document = {"CpuShares": max(2, container.cpu)}
    hard = container.memory or task.memory_limit
    if hard:
        found |= {"Memory": hard * _MIB, "MemorySwap": (hard + container.swap_mib) * _MIB}
        if container.swap_mib and container.swappiness is not None:
            found["MemorySwappiness"] = container.swappiness
    if container.memory_reservation:
        found["MemoryReservation"] = container.memory_reservation * _MIB
    if container.shared_memory_mib:
        found["ShmSize"] = container.shared_memory_mib * _MIB
    if task.cpu_limit:
        # a quota, unlike NanoCpus, may be more than this machine has
        found |= {"CpuPeriod": _PERIOD, "CpuQuota": _PERIOD * task.cpu_limit // _CPU_UNITS}
    return found


def _network(task: TaskSpec, container: ContainerSpec) -> Document:
    if task.network_mode == "awsvpc":
        return {"NetworkMode": f"container:{container_name(task, PAUSE)}"}
    found: Document = {
        "NetworkMode": task.network_mode,
        "ExtraHosts": [f"{name}:{address}" for name, address in container.extra_hosts],
        "Dns": list(container.dns_servers),
        "DnsSearch": list(container.dns_search),
    }
    if task.network_mode == "bridge":
        address = task.host_address or "127.0.0.1"
        published: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        for port in container.ports:
            entry = {"HostIp": address, "HostPort": str(port.host_port or "")}
            published[f"{port.container_port}/{port.protocol}"].append(entry)
        found["PortBindings"] = dict(published)
        found["Links"] = [_link(task, link) for link in container.links]
    return found


def _link(task: TaskSpec, link: str) -> str:
    name, _, alias = link.partition(":")
    return f"{container_name(task, name)}:{alias or name}"


def _sysctls(task: TaskSpec, container: ContainerSpec) -> dict[str, str] | None:
    """In awsvpc mode `net.*` belongs to the task's namespace, which the pause container sets up."""
    shared = task.network_mode == "awsvpc"
    return {
        name: value for name, value in container.system_controls if not (shared and name.startswith("net."))
    } or None


def _bind(mount: Mount) -> str:
    return f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"


def _volume(server_id: str, task: TaskSpec, mount: Mount) -> Document:
    """A volume is labelled when it is made; one that is there already keeps its labels, and is never removed."""
    own = {SERVER: server_id}
    name = mount.source
    if mount.kind == "task-volume":
        own[TASK] = task.arn
        name = f"ecs-{sha256(task.arn.encode()).hexdigest()[:20]}-{mount.source}"
    return {
        "Type": "volume",
        "Source": name,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "VolumeOptions": {"Labels": own},
    }


def _health(check: HealthCheck | None) -> Document:
    """ECS ignores an image's own HEALTHCHECK, hence NONE."""
    if check is None:
        return {"Test": ["NONE"]}
    return {
        "Test": list(check.command),
        "Interval": int(check.interval * _SECOND),
        "Timeout": int(check.timeout * _SECOND),
        "Retries": check.retries,
        "StartPeriod": int(check.start_period * _SECOND),
    }
