"""Starts tasks by a capacity provider strategy: divided among its providers; what finds no host waits for one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.cluster_capacity_providers import launch_type_of_strategy
from emulator.ecs.demand import demand_of
from emulator.ecs.launch import LaunchRequest, LaunchResult, launch_tasks, new_task, subnets_of, with_zones
from emulator.ecs.waiting_tasks import LONGEST, provisioning
from emulator.journal import Kind
from emulator.state.ecs import TaskRow
from scheduler.reconcile.capacity_strategy import Item, split

if TYPE_CHECKING:
    from scheduler.placement import Placement

MOST_PROVISIONING = 500
"""Tasks of a cluster that may wait for hosts."""


def launch_by_strategy(
    context: Context, request: LaunchRequest, strategy: Sequence[Mapping[str, Any]], running: Mapping[str, int]
) -> LaunchResult:
    """Start up to `count` tasks beside those that run; on Auto Scaling group providers fewer only beyond the quota."""
    items = [Item(item["capacityProvider"], item["weight"], item["base"]) for item in strategy]
    found = split(request.count, running, items)
    subject = request.service_arn or f"run-task/{context.request_id}"
    if found:
        scope = request.service_arn or request.cluster.arn
        reason = f"By the strategy: {', '.join(f'{count} on {name}' for name, count in found.items())}."
        context.record(Kind.DECISION, subject, {"reasons": [reason]}, scope=scope)
    tasks: list[TaskRow] = []
    placement: Placement | None = None
    for provider, count in found.items():
        kind = launch_type_of_strategy([{"capacityProvider": provider}])
        part = replace(request, count=count, launch_type=kind, capacity_provider=provider)
        result = launch_tasks(context, part)
        tasks += result.tasks
        if len(result.tasks) < count:
            placement = result.placement
            tasks += _wait(context, part, count - len(result.tasks))
    return LaunchResult(tasks, placement)


def _wait(context: Context, request: LaunchRequest, count: int) -> list[TaskRow]:
    demand = demand_of(request.task_definition.body, request.group, request.overrides)
    subnets = subnets_of(context, request)
    demand = replace(with_zones(demand, subnets), capacity_provider=request.capacity_provider)
    room = max(0, MOST_PROVISIONING - provisioning(context, request.cluster))
    rows = [new_task(context, request, demand, None, "", subnets) for _ in range(min(count, room))]
    due, key = context.now + LONGEST, request.cluster.arn
    context.after_commit(lambda: context.emulator.loops.wake_at("capacity", key, due))
    return rows


def running_by_provider(context: Context, service_arn: str, deployment_id: str) -> dict[str, int]:
    """How many tasks of a deployment each provider has, those that are about to stop left out."""
    rows = context.session.execute(
        select(TaskRow.capacity_provider, func.count())
        .where(
            TaskRow.service_arn == service_arn,
            TaskRow.last_status != "STOPPED",
            TaskRow.desired_status == "RUNNING",
            TaskRow.deployment_id == deployment_id,
            TaskRow.capacity_provider.is_not(None),
        )
        .group_by(TaskRow.capacity_provider)
    )
    return {str(name): count for name, count in rows}
