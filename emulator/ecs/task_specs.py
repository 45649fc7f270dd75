"""Rows → what a runtime is told: the task and its containers as `emulator.runtime.ports` values."""

from typing import Any, Literal, cast

from emulator.context import Context
from emulator.ecs.demand import containers_with_overrides
from emulator.runtime.ports import ContainerSpec, HealthCheck, Mount, PortMapping, TaskSpec, Ulimit
from emulator.state.ecs import ContainerInstanceRow, TaskDefinitionRow, TaskRow

_DEFAULT_STOP_TIMEOUT = 30.0


def task_spec(context: Context, row: TaskRow) -> TaskSpec:
    """The task beside its containers."""
    host = None
    if row.container_instance_arn is not None:
        host = context.session.get(ContainerInstanceRow, row.container_instance_arn)
    family, _, revision = row.task_definition_arn.rpartition("/")[2].rpartition(":")
    body = definition_of(context, row).body
    return TaskSpec(
        arn=row.arn,
        cluster_arn=row.cluster_arn,
        family=family,
        revision=int(revision),
        service_arn=row.service_arn,
        container_instance_arn=row.container_instance_arn,
        network_mode=cast("Literal['bridge', 'host', 'none', 'awsvpc']", row.network_mode),
        host_address=None if host is None else host.address,
        vpc_cidr=_vpc_cidr(context, row),
        vpc_id="vpc" if row.network_mode == "awsvpc" else None,
        cpu_limit=int(body["cpu"]) if "cpu" in body else None,
        memory_limit=int(body["memory"]) if "memory" in body else None,
    )


def _vpc_cidr(context: Context, row: TaskRow) -> str | None:
    wanted = (row.network_configuration or {}).get("awsvpcConfiguration", {}).get("subnets", [])
    if not wanted:
        return None
    return context.emulator.neighbours.subnets(row.account, row.region, wanted)[0].vpc_cidr


def definition_of(context: Context, row: TaskRow) -> TaskDefinitionRow:
    """The task's own revision: it stays known while a task refers to it."""
    definition = context.session.get(TaskDefinitionRow, row.task_definition_arn)
    if definition is None:
        raise LookupError(row.task_definition_arn)
    return definition


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
        hostname=container.get("hostname"),
        privileged=container.get("privileged", False),
        read_only_root=container.get("readonlyRootFilesystem", False),
        interactive=container.get("interactive", False),
        pseudo_terminal=container.get("pseudoTerminal", False),
        init_process=linux.get("initProcessEnabled", False),
        capabilities_add=tuple(capabilities.get("add", [])),
        capabilities_drop=tuple(capabilities.get("drop", [])),
        system_controls=tuple((item["namespace"], item["value"]) for item in container["systemControls"]),
        shared_memory_mib=linux.get("sharedMemorySize"),
        stop_timeout=container.get("stopTimeout", _DEFAULT_STOP_TIMEOUT),
    )


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
