"""Container instances as DescribeContainerInstances shows them.

What remains comes from the fleet; what runs is counted in the task rows, for all hosts of an answer at once.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, select

from emulator.context import Context
from emulator.state.ecs import ContainerInstanceRow, TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        AttributeTypeDef,
        ContainerInstanceHealthStatusTypeDef,
        ContainerInstanceTypeDef,
        ResourceOutputTypeDef,
    )

_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")


def describe_container_instance(
    context: Context, row: ContainerInstanceRow, include: Iterable[str] = ()
) -> "ContainerInstanceTypeDef":
    """One host; `include` is that of the request (TAGS, CONTAINER_INSTANCE_HEALTH)."""
    return describe_all(context, [row], include)[0]


def describe_all(
    context: Context, rows: Sequence[ContainerInstanceRow], include: Iterable[str] = ()
) -> "list[ContainerInstanceTypeDef]":
    """Several hosts."""
    counts = _counts(context, [row.arn for row in rows])
    wanted = frozenset(include)
    return [_describe(context, row, counts, wanted) for row in rows]


def _counts(context: Context, arns: list[str]) -> dict[tuple[str, str], int]:
    """(host, lastStatus) → tasks."""
    rows = context.session.execute(
        select(TaskRow.container_instance_arn, TaskRow.last_status, func.count())
        .where(TaskRow.container_instance_arn.in_(arns), TaskRow.last_status.in_((*_PENDING, "RUNNING")))
        .group_by(TaskRow.container_instance_arn, TaskRow.last_status)
    )
    return {(arn or "", status): count for arn, status, count in rows}


def _describe(
    context: Context, row: ContainerInstanceRow, counts: dict[tuple[str, str], int], include: frozenset[str]
) -> "ContainerInstanceTypeDef":
    document: ContainerInstanceTypeDef = {
        "containerInstanceArn": row.arn,
        "ec2InstanceId": row.ec2_instance_id,
        "version": row.version,
        "versionInfo": row.version_info,  # type: ignore[typeddict-item]  # a JSON column
        "remainingResources": _remaining(context, row),
        "registeredResources": _resources(
            row.cpu, row.memory, row.reserved_tcp_ports, row.reserved_udp_ports, row.gpus
        ),
        "status": row.status,
        "agentConnected": row.agent_connected,
        "runningTasksCount": counts.get((row.arn, "RUNNING"), 0),
        "pendingTasksCount": sum(counts.get((row.arn, status), 0) for status in _PENDING),
        "attributes": [_attribute(name, value) for name, value in row.attributes.items()],
        "registeredAt": row.registered_at,
        "attachments": [],
        "tags": row.tags if "TAGS" in include else [],  # type: ignore[typeddict-item]  # a JSON column
    }
    if row.capacity_provider is not None:
        document["capacityProviderName"] = row.capacity_provider
    if row.status_reason is not None:
        document["statusReason"] = row.status_reason
    if "CONTAINER_INSTANCE_HEALTH" in include:
        document["healthStatus"] = _health(context, row)
    return document


def _attribute(name: str, value: str | None) -> "AttributeTypeDef":
    return {"name": name} if value is None else {"name": name, "value": value}


def _health(context: Context, row: ContainerInstanceRow) -> "ContainerInstanceHealthStatusTypeDef":
    """What the agent last told of its engine; an agent that is not connected tells nothing."""
    status: Literal["OK", "INSUFFICIENT_DATA"] = "OK" if row.agent_connected else "INSUFFICIENT_DATA"
    return {
        "overallStatus": status,
        "details": [
            {
                "type": "CONTAINER_RUNTIME",
                "status": status,
                "lastUpdated": context.now,
                "lastStatusChange": row.deregistered_at or row.registered_at,
            }
        ],
    }


def _remaining(context: Context, row: ContainerInstanceRow) -> "list[ResourceOutputTypeDef]":
    """As of the last commit; a host that the fleet does not have (new or gone) holds nothing."""
    node = context.emulator.fleets.of(context.session, row.cluster_arn).node(row.arn)
    if node is None:
        return _resources(row.cpu, row.memory, row.reserved_tcp_ports, row.reserved_udp_ports, row.gpus)
    gpus = row.gpus[len(row.gpus) - node.gpus :]  # which ones are taken is not kept, only how many (unconfirmed)
    tcp, udp = ([*reserved, *sorted(ports.difference(reserved))] for reserved, ports in (
        (row.reserved_tcp_ports, node.tcp_ports), (row.reserved_udp_ports, node.udp_ports)
    ))  # fmt: skip
    return _resources(node.remaining_cpu, node.remaining_memory, tcp, udp, gpus)


def _resources(
    cpu: int, memory: int, tcp: Sequence[int], udp: Sequence[int], gpus: Sequence[str]
) -> "list[ResourceOutputTypeDef]":
    """PORTS are those in use, the agent's own first."""
    sets = {"PORTS": [str(port) for port in tcp], "PORTS_UDP": [str(port) for port in udp]}
    if gpus:
        sets["GPU"] = list(gpus)
    return [
        _entry("CPU", "INTEGER", integerValue=cpu),
        _entry("MEMORY", "INTEGER", integerValue=memory),
        *(_entry(name, "STRINGSET", stringSetValue=values) for name, values in sets.items()),
    ]


def _entry(name: str, kind: str, **value: Any) -> "ResourceOutputTypeDef":
    entry: ResourceOutputTypeDef = {
        "name": name, "type": kind, "doubleValue": 0.0, "longValue": 0, "integerValue": 0
    }  # fmt: skip
    entry.update(value)  # type: ignore[typeddict-item]  # one member by name
    return entry
