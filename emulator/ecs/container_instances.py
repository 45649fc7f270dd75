"""Container instances: simulated hosts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.names import last_part
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.requires_attributes import ALL_CAPABILITIES
from emulator.ecs.task_states import StopCode, request_stop
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ContainerInstanceRow, ServiceRow, TaskRow
from scheduler.instance_types import find as find_type
from scheduler.query.evaluate import matches
from scheduler.query.parse import QuerySyntaxError, parse

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DeregisterContainerInstanceRequestTypeDef,
        DescribeContainerInstancesRequestTypeDef,
        ListContainerInstancesRequestTypeDef,
        UpdateContainerInstancesStateRequestTypeDef,
    )

_RESERVED_TCP = [22, 2375, 2376, 51678, 51679]
_FIRST_ADDRESS = int(IPv4Address("127.10.0.2"))
_AGENT_VERSION = "1.105.1"


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host to add."""

    instance_type: str
    zone: str
    origin: str
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    ec2_instance_id: str | None = None
    private_ip: str | None = None
    capacity_provider: str | None = None


def add_host(context: Context, cluster: ClusterRow, spec: HostSpec) -> ContainerInstanceRow:
    """Register a host in `cluster`.

    Raises:
        InvalidParameterException: no such instance type.

    """
    kind = find_type(spec.instance_type)
    if kind is None:
        raise InvalidParameterException(f"Invalid instance type: {spec.instance_type}")
    address = _free_address(context)
    tail = address.split(".")[2:]
    attributes: dict[str, str | None] = {
        **dict.fromkeys(ALL_CAPABILITIES),
        "ecs.instance-type": kind.name,
        "ecs.availability-zone": spec.zone,
        "ecs.os-type": "linux",
        "ecs.os-family": "LINUX",
        "ecs.cpu-architecture": kind.architecture,
        **spec.attributes,
    }
    row = ContainerInstanceRow(
        arn=context.arn("ecs", f"container-instance/{cluster.name}/{context.emulator.ids.hex32()}"),
        account=context.account,
        region=context.region,
        cluster_arn=cluster.arn,
        ec2_instance_id=spec.ec2_instance_id or context.emulator.ids.ec2("i"),
        instance_type=kind.name,
        zone=spec.zone,
        address=address,
        private_ip=spec.private_ip or f"172.31.{tail[0]}.{tail[1]}",
        status="ACTIVE",
        status_reason=None,
        agent_connected=True,
        cpu=kind.cpu,
        memory=kind.memory,
        reserved_tcp_ports=_RESERVED_TCP,
        reserved_udp_ports=[],
        gpus=[f"GPU-{index}" for index in range(kind.gpus)],
        eni_slots=kind.enis - 1,
        attributes=attributes,
        version_info={"agentVersion": _AGENT_VERSION, "dockerVersion": context.emulator.runtime.kind},
        capacity_provider=spec.capacity_provider,
        origin=spec.origin,
        registered_at=context.now,
        deregistered_at=None,
        version=1,
        tags=[],
    )
    context.session.add(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, row.arn, {"status": "ACTIVE", "type": kind.name}, scope=cluster.arn)
    wake_services(context, cluster.arn)
    return row


def _free_address(context: Context) -> str:
    """The loopback address after the highest one given out; addresses of gone hosts are not used again."""
    count = context.session.scalar(select(func.count()).select_from(ContainerInstanceRow)) or 0
    while True:
        address = str(IPv4Address(_FIRST_ADDRESS + count))
        taken = select(ContainerInstanceRow.arn).where(ContainerInstanceRow.address == address)
        if context.session.scalar(taken) is None:
            return address
        count += 1


def wake_services(context: Context, cluster_arn: str) -> None:
    """Have the cluster's services look again: there may be room now."""
    active = select(ServiceRow.arn).where(ServiceRow.cluster_arn == cluster_arn, ServiceRow.status == "ACTIVE")
    context.wake("services", *context.session.scalars(active))


def container_instances_of(context: Context, cluster: ClusterRow) -> Sequence[ContainerInstanceRow]:
    """The registered hosts of a cluster, in the order of their registration."""
    return context.session.scalars(
        select(ContainerInstanceRow)
        .where(ContainerInstanceRow.cluster_arn == cluster.arn, ContainerInstanceRow.status != "INACTIVE")
        .order_by(ContainerInstanceRow.registered_at, ContainerInstanceRow.arn)
    ).all()


def find_container_instance(context: Context, cluster: ClusterRow, identifier: str) -> ContainerInstanceRow | None:
    """The host called by id, ARN or EC2 instance id; INACTIVE ones too."""
    if identifier.startswith("i-"):
        return context.session.scalars(
            select(ContainerInstanceRow).where(
                ContainerInstanceRow.cluster_arn == cluster.arn, ContainerInstanceRow.ec2_instance_id == identifier
            )
        ).first()
    arn = context.arn("ecs", f"container-instance/{cluster.name}/{last_part(identifier)}")
    return context.session.get(ContainerInstanceRow, arn)


def drain_host(context: Context, row: ContainerInstanceRow) -> None:
    """No new tasks; services move theirs."""
    _set_status(context, row, "DRAINING")


def deregister_host(context: Context, row: ContainerInstanceRow, reason: str, stop_code: str) -> None:
    """Take a host away; its tasks stop for `reason`."""
    for task in context.session.scalars(
        select(TaskRow).where(TaskRow.container_instance_arn == row.arn, TaskRow.desired_status == "RUNNING")
    ):
        request_stop(context, task, stop_code, reason)
    row.agent_connected, row.deregistered_at = False, context.now
    _set_status(context, row, "INACTIVE")


def _set_status(context: Context, row: ContainerInstanceRow, status: str) -> None:
    row.status = status
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, {"status": status}, scope=row.cluster_arn)
    wake_services(context, row.cluster_arn)


class ContainerInstanceResult(TypedDict):
    """One host."""

    containerInstance: dict[str, Any]


class ContainerInstancesResult(TypedDict):
    """Hosts, and what is not one."""

    containerInstances: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_container_instances(
    context: Context, request: "DescribeContainerInstancesRequestTypeDef"
) -> ContainerInstancesResult:
    """Describe up to 100 hosts."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["containerInstances"]
    if not names:
        raise ClientException("Container Instances cannot be empty.")
    result: ContainerInstancesResult = {"containerInstances": [], "failures": []}
    for name in names:
        row = find_container_instance(context, cluster, name)
        if row is None:
            result["failures"].append(_failure(context, cluster, name, "MISSING"))
        else:
            result["containerInstances"].append(describe(context, row, tags="TAGS" in request.get("include", [])))
    return result


def _failure(context: Context, cluster: ClusterRow, name: str, reason: str) -> dict[str, str]:
    arn = name if parse_arn(name) else context.arn("ecs", f"container-instance/{cluster.name}/{name}")
    return {"arn": arn, "reason": reason}


def describe(context: Context, row: ContainerInstanceRow, *, tags: bool = False) -> dict[str, Any]:
    """A host as DescribeContainerInstances shows it; what remains comes from the fleet."""
    node = context.emulator.fleets.of(context.session, row.cluster_arn).node(row.arn)
    registered = _resources(row.cpu, row.memory, row.reserved_tcp_ports, row.reserved_udp_ports)
    remaining = registered
    if node is not None:
        ports = sorted(node.tcp_ports), sorted(node.udp_ports)
        remaining = _resources(node.remaining_cpu, node.remaining_memory, *ports)
    rows = context.session.execute(
        select(TaskRow.last_status, func.count())
        .where(TaskRow.container_instance_arn == row.arn, TaskRow.last_status.in_(["RUNNING", "PENDING"]))
        .group_by(TaskRow.last_status)
    )
    counts = {status: count for status, count in rows}  # noqa: C416 - rows are not pairs to mypy
    return {
        "containerInstanceArn": row.arn,
        "ec2InstanceId": row.ec2_instance_id,
        "version": row.version,
        "versionInfo": row.version_info,
        "remainingResources": remaining,
        "registeredResources": registered,
        "status": row.status,
        "agentConnected": row.agent_connected,
        "runningTasksCount": counts.get("RUNNING", 0),
        "pendingTasksCount": counts.get("PENDING", 0),
        "attributes": [
            {"name": name} if value is None else {"name": name, "value": value}
            for name, value in row.attributes.items()
        ],
        "registeredAt": row.registered_at,
        "attachments": [],
        "tags": row.tags if tags else [],
    }


def _resources(cpu: int, memory: int, tcp: Sequence[int], udp: Sequence[int]) -> list[dict[str, Any]]:
    def entry(name: str, kind: str, **value: Any) -> dict[str, Any]:
        return {"name": name, "type": kind, "doubleValue": 0.0, "longValue": 0, "integerValue": 0, **value}

    return [
        entry("CPU", "INTEGER", integerValue=cpu),
        entry("MEMORY", "INTEGER", integerValue=memory),
        entry("PORTS", "STRINGSET", stringSetValue=[str(port) for port in tcp]),
        entry("PORTS_UDP", "STRINGSET", stringSetValue=[str(port) for port in udp]),
    ]


def list_container_instances(context: Context, request: "ListContainerInstancesRequestTypeDef") -> dict[str, Any]:
    """A page of the hosts that match the filter."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"))
    statement = select(ContainerInstanceRow).where(
        ContainerInstanceRow.cluster_arn == cluster.arn,
        ContainerInstanceRow.arn > start_after(request.get("nextToken")),
    )
    if "status" in request:
        statement = statement.where(ContainerInstanceRow.status == request["status"])
    else:
        statement = statement.where(ContainerInstanceRow.status != "INACTIVE")
    statement = statement.order_by(ContainerInstanceRow.arn)
    if "filter" not in request:
        statement = statement.limit(size + 1)
    rows = context.session.scalars(statement).all()
    arns = [row.arn for row in rows if _admitted(context, row, request.get("filter"))]
    shown, more = cut(arns[: size + 1], size)
    return {"containerInstanceArns": shown, **more}


def _admitted(context: Context, row: ContainerInstanceRow, source: str | None) -> bool:
    if source is None:
        return True
    try:
        expression = parse(source)
    except QuerySyntaxError as error:
        raise InvalidParameterException(f"Invalid filter: {error}") from error  # (unconfirmed) text
    node = context.emulator.fleets.of(context.session, row.cluster_arn).node(row.arn)
    return node is not None and matches(expression, node)


def update_container_instances_state(
    context: Context, request: "UpdateContainerInstancesStateRequestTypeDef"
) -> ContainerInstancesResult:
    """Set hosts ACTIVE or DRAINING."""
    cluster = find_cluster(context, request.get("cluster"))
    if request["status"] not in {"ACTIVE", "DRAINING"}:
        raise InvalidParameterException("Container instance status should be one of [ACTIVE, DRAINING]")
    result: ContainerInstancesResult = {"containerInstances": [], "failures": []}
    for name in request["containerInstances"]:
        row = find_container_instance(context, cluster, name)
        if row is None or row.status == "INACTIVE":
            reason = "MISSING" if row is None else "INACTIVE"
            result["failures"].append(_failure(context, cluster, name, reason))
        else:
            _set_status(context, row, request["status"])
            result["containerInstances"].append(describe(context, row))
    return result


def deregister_container_instance(
    context: Context, request: "DeregisterContainerInstanceRequestTypeDef"
) -> ContainerInstanceResult:
    """Take a host out of its cluster; with tasks on it only by force."""
    cluster = find_cluster(context, request.get("cluster"))
    row = find_container_instance(context, cluster, request["containerInstance"])
    if row is None or row.status == "INACTIVE":
        raise InvalidParameterException("Referenced container instance was not found.")  # (unconfirmed) text
    busy = context.session.scalar(
        select(func.count()).where(TaskRow.container_instance_arn == row.arn, TaskRow.last_status != "STOPPED")
    )
    if busy and not request.get("force", False):
        raise InvalidParameterException("Found running tasks on the instance.")
    deregister_host(context, row, "Container instance deregistration forced by user", StopCode.USER_INITIATED)
    return {"containerInstance": describe(context, row)}
