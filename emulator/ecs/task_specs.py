"""Rows → what a runtime is told: the task and its containers as `emulator.runtime.ports` values.

What the tasks of a batch share (task definitions, hosts) is read at once: asked for one by one, it would be a query a task.
"""

from collections.abc import Iterable
from typing import Any, Literal, cast

from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.ecs.demand import containers_with_overrides
from emulator.ecs.names import is_daemon_definition
from emulator.neighbours.ports import Subnet, SubnetNotFoundError
from emulator.runtime.specs import ContainerSpec, Device, HealthCheck, Mount, PortMapping, TaskSpec, Tmpfs, Ulimit
from emulator.state.daemons import DaemonTaskDefinitionRow
from emulator.state.ecs import ContainerInstanceRow, TaskDefinitionRow, TaskRow
from emulator.state.store import rows_by_key

_DEFAULT_STOP_TIMEOUT = 30.0


def task_spec(context: Context, row: TaskRow) -> TaskSpec:
    """The task beside its containers."""
    family, _, revision = row.task_definition_arn.rpartition("/")[2].rpartition(":")
    body = definition_of(context, row).body
    subnet = _subnet(context, row)
    awsvpc = row.network_mode == "awsvpc"
    containers = body["containerDefinitions"] if awsvpc else []
    return TaskSpec(
        arn=row.arn,
        cluster_arn=row.cluster_arn,
        family=family,
        revision=int(revision),
        service_arn=row.service_arn,
        container_instance_arn=row.container_instance_arn,
        network_mode=cast("Literal['bridge', 'host', 'none', 'awsvpc']", row.network_mode),
        host_address=_host_address(context, row),
        vpc_cidr=None if subnet is None else subnet.vpc_cidr,
        vpc_id=None if subnet is None else subnet.vpc_id,
        subnet_cidr=None if subnet is None else subnet.cidr,
        pid_mode=body.get("pidMode"),
        ipc_mode=body.get("ipcMode"),
        cpu_limit=_limit(row.overrides.get("cpu") or body.get("cpu")),
        memory_limit=_limit(row.overrides.get("memory") or body.get("memory")),
        system_controls=tuple(
            (item["namespace"], item["value"])
            for container in containers
            for item in container["systemControls"]
            if item["namespace"].startswith("net.")
        ),
        dns_servers=tuple(dict.fromkeys(server for item in containers for server in item.get("dnsServers", []))),
    )


def _limit(text: str | None) -> int | None:
    return int(text) if text else None


def _subnet(context: Context, row: TaskRow) -> Subnet | None:
    """The subnet of an awsvpc task's interface; None where it was deleted under the task."""
    details = (item for attachment in row.attachments for item in attachment["details"])
    wanted = [item["value"] for item in details if item["name"] == "subnetId"]
    if not wanted:
        return None
    try:
        return context.emulator.neighbours.subnets(row.account, row.region, wanted)[0]
    except SubnetNotFoundError:
        return None


def read_shared(session: Session, rows: Iterable[TaskRow]) -> None:
    """Read what these tasks share, in at most two queries. It stays in memory to the end of the transaction."""
    tasks = list(rows)
    hosts = {row.container_instance_arn for row in tasks if row.container_instance_arn is not None}
    arns = {row.task_definition_arn for row in tasks}
    daemons = {arn for arn in arns if is_daemon_definition(arn)}
    definitions = [
        *rows_by_key(session, TaskDefinitionRow, arns - daemons).values(),
        *(rows_by_key(session, DaemonTaskDefinitionRow, daemons).values() if daemons else ()),
    ]
    found = [*definitions, *rows_by_key(session, ContainerInstanceRow, hosts).values()]
    session.info.setdefault("ashore.shared", []).extend(found)  # the session itself holds rows weakly


def _host_address(context: Context, row: TaskRow) -> str | None:
    if row.container_instance_arn is None:
        return None
    host = context.session.get(ContainerInstanceRow, row.container_instance_arn)
    return None if host is None else host.address


def definition_of(context: Context, row: TaskRow) -> TaskDefinitionRow | DaemonTaskDefinitionRow:
    """The task's own revision: it stays known while a task refers to it."""
    return definition_at(context, row.task_definition_arn)


def definition_at(context: Context, arn: str) -> TaskDefinitionRow | DaemonTaskDefinitionRow:
    """The revision of this ARN, which tasks may have."""
    if is_daemon_definition(arn):
        return context.session.get_one(DaemonTaskDefinitionRow, arn)
    return context.session.get_one(TaskDefinitionRow, arn)


def container_specs(context: Context, row: TaskRow) -> dict[str, ContainerSpec]:
    """Name → container, with the task's overrides applied."""
    body = definition_of(context, row).body
    volumes = {volume["name"]: volume for volume in body["volumes"]}
    return {
        container["name"]: _container(container, row, volumes)
        for container in containers_with_overrides(body, row.overrides)
    }


def _container(container: dict[str, Any], row: TaskRow, volumes: dict[str, dict[str, Any]]) -> ContainerSpec:
    linux = container.get("linuxParameters", {})
    capabilities = linux.get("capabilities", {})
    environment = {item["name"]: item["value"] for item in container["environment"]}
    environment |= {
        "AWS_EXECUTION_ENV": f"AWS_ECS_{row.launch_type}",
        "AWS_REGION": row.region,
        "AWS_DEFAULT_REGION": row.region,
    }
    return ContainerSpec(
        name=container["name"],
        image=container["image"],
        command=tuple(container["command"]) if container.get("command") else None,
        entry_point=tuple(container["entryPoint"]) if container.get("entryPoint") else None,
        environment=environment,
        cpu=container["cpu"],
        memory=container.get("memory"),
        memory_reservation=container.get("memoryReservation"),
        user=container.get("user"),
        working_directory=container.get("workingDirectory"),
        ports=tuple(
            PortMapping(mapping["containerPort"], mapping.get("hostPort", 0), mapping["protocol"])
            for mapping in container["portMappings"]
            if "containerPort" in mapping  # tasks with a range are told that it is not emulated
        ),
        health_check=_health(container.get("healthCheck")),
        ulimits=tuple(
            Ulimit(limit["name"], limit["softLimit"], limit["hardLimit"]) for limit in container.get("ulimits", [])
        ),
        docker_labels=container.get("dockerLabels", {}),
        mounts=tuple(_mount(mount, volumes) for mount in container["mountPoints"]),
        volumes_from=tuple((item["sourceContainer"], item.get("readOnly", False)) for item in container["volumesFrom"]),
        links=tuple(container.get("links", [])),
        extra_hosts=tuple((item["hostname"], item["ipAddress"]) for item in container.get("extraHosts", [])),
        dns_servers=tuple(container.get("dnsServers", [])),
        dns_search=tuple(container.get("dnsSearchDomains", [])),
        hostname=container.get("hostname"),
        privileged=container.get("privileged", False),
        read_only_root=container.get("readonlyRootFilesystem", False),
        interactive=container.get("interactive", False),
        pseudo_terminal=container.get("pseudoTerminal", False),
        init_process=linux.get("initProcessEnabled", False),
        capabilities_add=tuple(capabilities.get("add", [])),
        capabilities_drop=tuple(capabilities.get("drop", [])),
        system_controls=tuple((item["namespace"], item["value"]) for item in container["systemControls"]),
        security_options=tuple(container.get("dockerSecurityOptions", [])),
        shared_memory_mib=linux.get("sharedMemorySize"),
        tmpfs=tuple(
            Tmpfs(folder["containerPath"], folder["size"], tuple(folder.get("mountOptions", [])))
            for folder in linux.get("tmpfs", [])
        ),
        devices=tuple(_device(device) for device in linux.get("devices", [])),
        swap_mib=linux.get("maxSwap", 0),
        swappiness=linux.get("swappiness"),
        stop_timeout=container.get("stopTimeout", _DEFAULT_STOP_TIMEOUT),
    )


def _device(device: dict[str, Any]) -> Device:
    """A device without permissions has all of them."""
    letters = {"read": "r", "write": "w", "mknod": "m"}
    permissions = "".join(letters[word] for word in device.get("permissions", letters))
    return Device(device["hostPath"], device.get("containerPath", device["hostPath"]), permissions)


def _health(check: dict[str, Any] | None) -> HealthCheck | None:
    if check is None or check["command"][0] == "NONE":
        return None
    return HealthCheck(
        command=tuple(check["command"]),
        interval=check["interval"],
        timeout=check["timeout"],
        retries=check["retries"],
        start_period=check.get("startPeriod", 0),
    )


def _mount(mount: dict[str, Any], volumes: dict[str, dict[str, Any]]) -> Mount:
    volume = volumes[mount["sourceVolume"]]
    read_only = mount.get("readOnly", False)
    path = volume.get("host", {}).get("sourcePath")
    if path:
        return Mount(path, mount["containerPath"], read_only, "bind")
    shared = volume.get("dockerVolumeConfiguration", {}).get("scope") == "shared"
    return Mount(volume["name"], mount["containerPath"], read_only, "shared-volume" if shared else "task-volume")
