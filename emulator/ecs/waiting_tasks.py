"""Tasks of Auto Scaling group providers that found no host: PROVISIONING, until hosts appear or the wait has been too long."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.ecs.cluster_capacity_providers import group_providers
from emulator.ecs.fleet import demand_from
from emulator.ecs.launch import interface, subnets_in
from emulator.ecs.placement_rules import constraints_of, strategies_of
from emulator.ecs.task_states import StopCode, request_stop
from emulator.journal import Kind
from emulator.state.appending import append
from emulator.state.ecs import ClusterRow, TaskDefinitionRow, TaskRow
from emulator.state.journal import DecisionRow
from scheduler.placement import SERVICE_DEFAULT, Placement, place

LONGEST = timedelta(minutes=30)
"""How long a task waits (unconfirmed: 15 to 30 minutes)."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Tasks that ask for the same: one question to the scheduler."""

    arns: tuple[str, ...]


def waiting(session: Session, cluster: ClusterRow) -> list[TaskRow]:
    """The cluster's tasks that wait for a host, oldest first."""
    names = group_providers(cluster.capacity_providers)
    if not names:
        return []
    return list(
        session.scalars(
            select(TaskRow)
            .where(
                TaskRow.capacity_provider.in_(names),
                TaskRow.cluster_arn == cluster.arn,
                TaskRow.last_status == "PROVISIONING",
                TaskRow.container_instance_arn.is_(None),
                TaskRow.desired_status == "RUNNING",
            )
            .order_by(TaskRow.created_at, TaskRow.arn)
        )
    )


def alike(rows: Sequence[TaskRow]) -> list[Alike]:
    """Waiting tasks by what they ask for."""
    found: dict[bytes, list[str]] = {}
    for row in rows:
        key = orjson.dumps([row.task_definition_arn, row.demand], option=orjson.OPT_SORT_KEYS)
        found.setdefault(key, []).append(row.arn)
    return [Alike(tuple(arns)) for arns in found.values()]


def land(context: Context, tasks: Alike) -> None:
    """Give hosts to as many of them as there is room for; the others wait on, unless they have waited for too long."""
    rows = [row for arn in tasks.arns if (row := context.session.get(TaskRow, arn)) is not None]
    rows = [row for row in rows if row.container_instance_arn is None and row.desired_status == "RUNNING"]
    if not rows:
        return
    first = rows[0]
    placement = _place(context, first, len(rows))
    fleet = context.emulator.fleets.of(context.session, first.cluster_arn)
    for row, node_id, decision in zip(rows, placement.node_ids, placement.decisions, strict=False):
        node = fleet.node(node_id)
        _put(context, row, node_id, (node.zone if node else None) or "")
        _record(context, row, decision.to_dict(), decision.chosen)
    for row in rows[len(placement.node_ids) :]:
        if row.created_at + LONGEST <= context.now:
            request_stop(
                context, row, StopCode.TASK_FAILED_TO_START, f"TaskFailedToStart: {_why(context, row, placement)}"
            )


def _place(context: Context, row: TaskRow, count: int) -> Placement:
    definition = context.session.get_one(TaskDefinitionRow, row.task_definition_arn)
    asked: Mapping[str, Any] = row.demand.get("asked", {})
    documents = [*definition.body["placementConstraints"], *asked.get("placementConstraints", [])]
    constraints = [constraint for document in documents for constraint in constraints_of([document])]
    strategies = strategies_of(asked.get("placementStrategy", []))
    if row.service_arn is not None and not strategies:
        strategies = list(SERVICE_DEFAULT)
    demand = replace(demand_from(row.demand), capacity_provider=row.capacity_provider)
    fleet = context.emulator.fleets.of(context.session, row.cluster_arn)
    return place(fleet, demand, count, constraints, strategies, context.emulator.ids.seed())


def _put(context: Context, row: TaskRow, host_arn: str, zone: str) -> None:
    """The host is found: from here on it is a task like others."""
    row.container_instance_arn, row.zone = host_arn, zone
    subnets = subnets_in(context, row.network_configuration)
    subnet = next((subnet for subnet in subnets if subnet.zone == zone), None)
    if row.network_mode == "awsvpc" and subnet is not None:
        row.attachments = [interface(context, subnet)]
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, {"host": host_arn}, scope=row.service_arn or row.cluster_arn)
    context.wake("tasks", row.arn)


def _why(context: Context, row: TaskRow, placement: Placement) -> str:
    """The reason of most hosts of the provider."""
    fleet = context.emulator.fleets.of(context.session, row.cluster_arn)
    its = {node.id for node in fleet.nodes() if node.capacity_provider == row.capacity_provider}
    reasons = Counter(reason for host, reason in placement.refusals.items() if host in its)
    return reasons.most_common(1)[0][0].rstrip(".") if reasons else "EMPTY CAPACITY PROVIDER"


def _record(context: Context, row: TaskRow, body: dict[str, Any], chosen: str | None) -> None:
    record = {
        "id": context.emulator.ids.uuid(),
        "at": context.now,
        "account": context.account,
        "region": context.region,
        "cluster_arn": row.cluster_arn,
        "subject": row.arn,
        "scope": row.service_arn,
        "body": body,
    }
    append(context.session, DecisionRow, record)
    detail = {"decisionId": record["id"], "chosen": chosen}
    context.record(Kind.DECISION, row.arn, detail, scope=row.service_arn or row.cluster_arn)


def provisioning(context: Context, cluster: ClusterRow) -> int:
    """How many of the cluster's tasks of Auto Scaling group providers are PROVISIONING."""
    names = group_providers(cluster.capacity_providers)
    its = TaskRow.capacity_provider.in_(names), TaskRow.cluster_arn == cluster.arn
    statement = select(func.count()).where(*its, TaskRow.last_status == "PROVISIONING")
    return context.session.scalar(statement) or 0
