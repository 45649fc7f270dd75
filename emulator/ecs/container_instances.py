"""Container instances: simulated hosts, each with a loopback address of its own, on which its ports are published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import islice
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.container_instance_documents import describe_all, describe_container_instance
from emulator.ecs.daemon_wakes import wake_daemons
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.requires_attributes import ALL_CAPABILITIES
from emulator.ecs.task_states import StopCode, request_stop
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ContainerInstanceRow, ServiceRow, TaskRow
from scheduler.instance_types import find as find_type
from scheduler.query.evaluate import matches
from scheduler.query.parse import Expression, QuerySyntaxError, parse

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        ContainerInstanceTypeDef,
        DeregisterContainerInstanceRequestTypeDef,
        DescribeContainerInstancesRequestTypeDef,
        ListContainerInstancesRequestTypeDef,
        UpdateContainerInstancesStateRequestTypeDef,
    )

RESERVED_TCP = (22, 2375, 2376, 51678, 51679)
"""Ports that an agent keeps from tasks where it is told none."""
_FIRST_ADDRESS = int(IPv4Address("127.10.0.2"))
_STATUSES = ("ACTIVE", "DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED")
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
    reserved_memory: int = 0
    """MiB that the agent keeps from tasks."""
    reserved_tcp_ports: Sequence[int] = RESERVED_TCP
    reserved_udp_ports: Sequence[int] = ()
    tags: Sequence[Mapping[str, Any]] = ()


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
        memory=max(0, kind.memory - spec.reserved_memory),
        reserved_tcp_ports=list(spec.reserved_tcp_ports),
        reserved_udp_ports=list(spec.reserved_udp_ports),
        gpus=[f"GPU-{context.emulator.ids.uuid()}" for _ in range(kind.gpus)],
        eni_slots=kind.enis - 1,
        attributes=attributes,
        version_info={
            "agentVersion": _AGENT_VERSION,
            "dockerVersion": f"DockerVersion: {context.emulator.runtime.kind}",
        },
        capacity_provider=spec.capacity_provider,
        origin=spec.origin,
        registered_at=context.now,
        deregistered_at=None,
        version=1,
        tags=[dict(tag) for tag in spec.tags],
    )
    context.session.add(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, row.arn, {"status": "ACTIVE", "type": kind.name}, scope=cluster.arn)
    wake_services(context, cluster.arn)
    context.wake("minute", f"{context.account}/{context.region}")
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
    context.wake("capacity", cluster_arn)
    wake_daemons(context, cluster_arn)


def container_instances_of(context: Context, cluster: ClusterRow) -> Sequence[ContainerInstanceRow]:
    """The registered hosts of a cluster, in the order of their registration."""
    return context.session.scalars(
        select(ContainerInstanceRow)
        .where(ContainerInstanceRow.cluster_arn == cluster.arn, ContainerInstanceRow.status != "INACTIVE")
        .order_by(ContainerInstanceRow.registered_at, ContainerInstanceRow.arn)
    ).all()


def find_container_instance(context: Context, cluster: ClusterRow, identifier: str) -> ContainerInstanceRow | None:
    """The host called by id, ARN or EC2 instance id; INACTIVE ones too."""
    if parse_arn(identifier):
        row = context.session.get(ContainerInstanceRow, identifier)
        return row if row is not None and row.cluster_arn == cluster.arn else None
    if identifier.startswith("i-"):
        its = ContainerInstanceRow.cluster_arn == cluster.arn, ContainerInstanceRow.ec2_instance_id == identifier
        newest = ContainerInstanceRow.registered_at.desc()
        return context.session.scalars(select(ContainerInstanceRow).where(*its).order_by(newest)).first()
    arn = context.arn("ecs", f"container-instance/{cluster.name}/{identifier}")
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
    if row.status == status:
        return
    row.status = status
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, {"status": status}, scope=row.cluster_arn)
    wake_services(context, row.cluster_arn)


class ContainerInstanceResult(TypedDict):
    """One host."""

    containerInstance: "ContainerInstanceTypeDef"


class ContainerInstancesResult(TypedDict):
    """Hosts, and what is not one."""

    containerInstances: "list[ContainerInstanceTypeDef]"
    failures: list[dict[str, str]]


def describe_container_instances(
    context: Context, request: "DescribeContainerInstancesRequestTypeDef"
) -> ContainerInstancesResult:
    """Describe up to 100 hosts."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["containerInstances"]
    if not names:
        raise ClientException("Container Instances cannot be empty.")
    if len(names) > 100:
        raise InvalidParameterException("Container Instances cannot have more than 100 elements.")  # (unconfirmed)
    found = {name: find_container_instance(context, cluster, name) for name in names}
    rows = [row for row in found.values() if row is not None]
    return {
        "containerInstances": describe_all(context, rows, request.get("include", [])),
        "failures": [_failure(context, cluster, name, "MISSING") for name, row in found.items() if row is None],
    }


def _failure(context: Context, cluster: ClusterRow, name: str, reason: str) -> dict[str, str]:
    arn = name if parse_arn(name) else context.arn("ecs", f"container-instance/{cluster.name}/{name}")
    return {"arn": arn, "reason": reason}


class ListContainerInstancesResult(TypedDict):
    """A page of ARNs."""

    containerInstanceArns: list[str]
    nextToken: NotRequired[str]


def list_container_instances(
    context: Context, request: "ListContainerInstancesRequestTypeDef"
) -> ListContainerInstancesResult:
    """A page of the hosts that match the filter."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"))
    expression = _expression(request.get("filter"))
    if request.get("status", "ACTIVE") not in _STATUSES:
        raise InvalidParameterException(f"status should be one of [{','.join(_STATUSES)}]")  # (unconfirmed) text
    status = ContainerInstanceRow.status
    statement = (
        select(ContainerInstanceRow.arn)
        .where(
            ContainerInstanceRow.cluster_arn == cluster.arn,
            ContainerInstanceRow.arn > start_after(request.get("nextToken")),
            status == request["status"] if "status" in request else status != "INACTIVE",
        )
        .order_by(ContainerInstanceRow.arn)
    )
    if expression is None:
        arns = context.session.scalars(statement.limit(size + 1)).all()
    else:
        fleet = context.emulator.fleets.of(context.session, cluster.arn)
        nodes = ((arn, fleet.node(arn)) for arn in context.session.scalars(statement))
        matching = (arn for arn, node in nodes if node is not None and matches(expression, node))
        arns = list(islice(matching, size + 1))
    shown, more = cut(arns, size)
    result: ListContainerInstancesResult = {"containerInstanceArns": shown}
    if more:
        result["nextToken"] = more["nextToken"]
    return result


def _expression(source: str | None) -> Expression | None:
    if not source:
        return None
    try:
        return parse(source)
    except QuerySyntaxError as error:
        raise InvalidParameterException(f"Invalid filter: {error}") from error  # (unconfirmed) text


def update_container_instances_state(
    context: Context, request: "UpdateContainerInstancesStateRequestTypeDef"
) -> ContainerInstancesResult:
    """Set hosts ACTIVE or DRAINING."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["containerInstances"]
    if not names:
        raise ClientException("Container Instances cannot be empty.")
    if len(names) > 10:
        raise InvalidParameterException("Container Instances cannot have more than 10 elements.")  # (unconfirmed)
    if request["status"] not in {"ACTIVE", "DRAINING"}:
        raise InvalidParameterException("Container instance status should be one of [ACTIVE, DRAINING]")
    result: ContainerInstancesResult = {"containerInstances": [], "failures": []}
    for name in names:
        row = find_container_instance(context, cluster, name)
        if row is None or row.status == "INACTIVE":
            reason = "MISSING" if row is None else "INACTIVE"
            result["failures"].append(_failure(context, cluster, name, reason))
        else:
            _set_status(context, row, request["status"])
            result["containerInstances"].append(describe_container_instance(context, row))
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
    return {"containerInstance": describe_container_instance(context, row)}
