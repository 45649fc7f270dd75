"""The load balancers of a service: its running tasks are registered, their health is read, and what drains is told.

A deployment's target groups are chosen when it begins: with `advancedConfiguration`, a deployment that shifts traffic
takes of each pair the group that does not serve.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from emulator.balancer.ports import TargetGroupNotFoundError, TargetHealth, TargetKey
from emulator.context import Context
from emulator.ecs import service_events as events
from emulator.ecs.recipes import Recipe
from emulator.ecs.service_events import tell
from emulator.ecs.service_revisions import revision_arn
from emulator.ecs.service_tasks import LiveTask
from emulator.ecs.service_wakes import look_again
from emulator.ecs.task_targets import balancer_of, health_of, register
from emulator.state.ecs import DeploymentRow, ServiceRow, TaskRow
from emulator.state.store import rows_by_key

_RETRY = timedelta(seconds=30)
Health = Mapping[TargetKey, TargetHealth]


def groups_for(service: ServiceRow, served: DeploymentRow | None) -> list[dict[str, Any]]:
    """The target groups of a deployment that begins; `served` is the one that serves production."""
    shifts = service.body["deploymentConfiguration"]["strategy"] != "ROLLING"
    before = {item["targetGroupArn"] for item in _groups(served)}
    found = []
    for item in service.body.get("loadBalancers", []):
        advanced = item.get("advancedConfiguration", {})
        pair = [item["targetGroupArn"], *filter(None, [advanced.get("alternateTargetGroupArn")])]
        where = (item["containerName"], item["containerPort"])
        serving = [arn for arn in pair if arn in before]  # whichever container and port had it
        free = [arn for arn in pair if arn not in serving]
        chosen = (free or pair)[0] if shifts else (serving or pair)[0]
        rules = {name: advanced[name] for name in ("productionListenerRule", "testListenerRule") if name in advanced}
        found.append({"targetGroupArn": chosen, "containerName": where[0], "containerPort": where[1], **rules})
    return found


def _groups(row: DeploymentRow | None) -> Sequence[Mapping[str, Any]]:
    return () if row is None else row.body.get("targetGroups", ())


def attend(context: Context, service: ServiceRow, recipes: Iterable[Recipe], tasks: list[LiveTask]) -> list[LiveTask]:
    """Register what runs and is not registered yet, tell what drains; the tasks with the health of their targets."""
    by_id = {recipe.id: recipe for recipe in recipes if recipe.target_groups}
    rows = rows_by_key(context.session, TaskRow, _with_targets(context, service, tasks, by_id))
    for recipe in by_id.values():
        fresh = [
            row
            for row in rows.values()
            if row.deployment_id == recipe.id
            and row.last_status == "RUNNING"
            and row.desired_status == "RUNNING"
            and not row.targets
        ]
        _register(context, service, recipe, fresh)
    tell_drains(context, service, [row for row in rows.values() if row.desired_status == "STOPPED"])
    groups = {item["targetGroupArn"] for row in rows.values() for item in row.targets}
    found = {arn: balancer_of(context).target_health(context, arn) for arn in groups}
    return [
        replace(task, target_health=health_of(rows[task.arn].targets, found) if task.deployment_id in by_id else None)
        if task.arn in rows
        else task
        for task in tasks
    ]


def _with_targets(
    context: Context, service: ServiceRow, tasks: Sequence[LiveTask], by_id: Mapping[str, Recipe]
) -> list[str]:
    """The tasks that have targets or are to have some."""
    wanted = {task.arn for task in tasks if task.deployment_id in by_id}
    if all(task.wanted for task in tasks):
        return sorted(wanted)
    leaving = context.session.execute(
        select(TaskRow.arn, TaskRow.targets).where(
            TaskRow.service_arn == service.arn, TaskRow.desired_status == "STOPPED", TaskRow.last_status != "STOPPED"
        )
    )
    return sorted(wanted | {arn for arn, targets in leaving if targets})


def _register(context: Context, service: ServiceRow, recipe: Recipe, rows: Sequence[TaskRow]) -> None:
    if not rows:
        return
    try:
        counts = register(context, rows, revision_arn(service.arn, recipe.id), recipe.target_groups)
    except TargetGroupNotFoundError as error:
        tell(context, service, events.no_target_group(str(error)))
        look_again(context, service, context.now + _RETRY)
        return
    for arn, count in counts.items():
        tell(context, service, events.registered(count, arn))


def tell_drains(context: Context, service: ServiceRow, rows: Iterable[TaskRow]) -> None:
    """Tell once of targets that were deregistered."""
    tasks: Counter[str] = Counter()
    targets: Counter[str] = Counter()
    for row in rows:
        fresh = [item for item in row.targets if item["state"] != "registered" and not item["told"]]
        if fresh:
            tasks[row.deployment_id or ""] += 1
            targets.update(item["targetGroupArn"] for item in fresh)
            row.targets = [{**item, "told": item["told"] or item["state"] != "registered"} for item in row.targets]
    for made, count in tasks.items():
        tell(context, service, events.draining(made, count))
    for arn, count in targets.items():
        tell(context, service, events.deregistered(count, arn))


def unhealthy_targets(context: Context, row: TaskRow) -> list[tuple[dict[str, Any], TargetHealth]]:
    """The targets of a task that fail their health checks, and how."""
    found = []
    for item in row.targets:
        health = balancer_of(context).target_health(context, item["targetGroupArn"])
        state = health.get(TargetKey(item["id"], item["port"]))
        if state is not None and state.state == "unhealthy":
            found.append((item, state))
    return found
