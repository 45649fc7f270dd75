"""A service's rows → what `scheduler.reconcile.service` looks at. Reads columns, not whole tasks: a service may have thousands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.demand import demand_of
from emulator.ecs.recipes import Recipe
from emulator.ecs.task_states import BY_THEMSELVES
from emulator.state.ecs import ContainerInstanceRow, DeploymentRow, ServiceRow, TaskDefinitionRow, TaskRow
from emulator.state.store import rows_by_key
from scheduler.reconcile.lifecycle import TaskStatus
from scheduler.reconcile.service_view import ScaleInRules, ServiceTask, ServiceView

_UP = {TaskStatus.PROVISIONING, TaskStatus.PENDING, TaskStatus.ACTIVATING, TaskStatus.RUNNING}


@dataclass(frozen=True, slots=True)
class LiveTask:
    """A task that is not STOPPED."""

    arn: str
    deployment_id: str | None
    status: str
    wanted: bool
    """Its desired status is RUNNING."""
    health: str
    started_at: datetime | None
    zone: str
    host: str | None
    failing: bool
    """It failed before it ran, and is not STOPPED yet."""
    protected_until: datetime | None
    target_health: str | None = None
    """HEALTHY, UNHEALTHY or UNKNOWN to its load balancers; None where it has none."""

    @property
    def up(self) -> bool:
        """It is counted as running or pending."""
        return self.status in _UP


def live_tasks(context: Context, service: ServiceRow) -> list[LiveTask]:
    """The tasks of a service that are not STOPPED."""
    rows = context.session.execute(
        select(
            TaskRow.arn,
            TaskRow.deployment_id,
            TaskRow.last_status,
            TaskRow.desired_status == "RUNNING",
            TaskRow.health_status,
            TaskRow.started_at,
            TaskRow.zone,
            TaskRow.container_instance_arn,
            TaskRow.started_at.is_(None) & func.coalesce(TaskRow.stop_code, "").in_(BY_THEMSELVES),
            TaskRow.protected_until,
        ).where(TaskRow.service_arn == service.arn, TaskRow.last_status != "STOPPED")
    )
    return [LiveTask(*values) for values in map(tuple, rows)]


def view_of(
    context: Context,
    service: ServiceRow,
    primary: Recipe,
    tasks: Sequence[LiveTask],
    *,
    may_start: bool,
    desired: int | None = None,
) -> ServiceView:
    """The service as the scheduler sees it, or those of its tasks that are looked at by themselves."""
    configuration = service.body["deploymentConfiguration"]
    definitions = _definitions(context, service, primary)
    draining = _draining(context, service)
    # connections of a DEACTIVATING task drain, it is not counted any more (unconfirmed)
    leaving = [task for task in tasks if not task.wanted and task.status != TaskStatus.DEACTIVATING]
    return ServiceView(
        desired=service.desired_count if desired is None else desired,
        tasks=tuple(
            ServiceTask(
                arn=task.arn,
                primary=task.deployment_id == primary.id,
                running_for=_running_for(context, task),
                health=_health(task, checked=definitions.get(task.deployment_id, False)),
                zone=task.zone,
                host=task.host or "",
                draining=task.host in draining,
                protected_for=_protected_for(context, task),
            )
            for task in tasks
            if task.wanted
        ),
        minimum_percent=configuration["minimumHealthyPercent"],
        maximum_percent=configuration["maximumPercent"],
        stopping=len(leaving),
        still_up=sum(task.up for task in leaving),
        failing_to_start=sum(task.failing for task in leaving),
        grace=float(service.body["healthCheckGracePeriodSeconds"]),
        may_start=may_start,
        rules=_rules(context, service, primary, tasks),
    )


def _health(task: LiveTask, *, checked: bool) -> str | None:
    """What its containers' checks and its load balancers say together; None where neither is asked."""
    said = {health for health in (task.health if checked else None, task.target_health) if health is not None}
    if not said:
        return None
    return "UNHEALTHY" if "UNHEALTHY" in said else "HEALTHY" if said == {"HEALTHY"} else "UNKNOWN"


def _running_for(context: Context, task: LiveTask) -> float | None:
    if task.status != TaskStatus.RUNNING or task.started_at is None:
        return None
    return (context.now - task.started_at).total_seconds()


def _protected_for(context: Context, task: LiveTask) -> float:
    if task.protected_until is None:
        return 0.0
    return max(0.0, (task.protected_until - context.now).total_seconds())


def _definitions(context: Context, service: ServiceRow, primary: Recipe) -> dict[str | None, bool]:
    """Deployment → whether an essential container of its revision has a health check."""
    rows = context.session.execute(
        select(DeploymentRow.id, DeploymentRow.task_definition_arn).where(
            DeploymentRow.service_arn == service.arn, DeploymentRow.status != "INACTIVE"
        )
    )
    arns = {primary.id: primary.task_definition_arn, **{made: arn for made, arn in rows}}  # noqa: C416 - rows are no pairs
    bodies = rows_by_key(context.session, TaskDefinitionRow, set(arns.values()))
    return {made: is_checked(bodies[arn]) for made, arn in arns.items()}


def is_checked(definition: TaskDefinitionRow) -> bool:
    """Whether an essential container of a revision has a health check."""
    containers = definition.body["containerDefinitions"]
    return any("healthCheck" in container and container.get("essential", True) for container in containers)


def _draining(context: Context, service: ServiceRow) -> set[str | None]:
    return set(
        context.session.scalars(
            select(ContainerInstanceRow.arn).where(
                ContainerInstanceRow.cluster_arn == service.cluster_arn, ContainerInstanceRow.status == "DRAINING"
            )
        )
    )


def _rules(context: Context, service: ServiceRow, primary: Recipe, tasks: Sequence[LiveTask]) -> ScaleInRules:
    strategies: list[dict[str, Any]] = service.body["placementStrategy"]
    if not strategies:
        return ScaleInRules()
    fleet = context.emulator.fleets.of(context.session, service.cluster_arn)
    found = [fleet.node(host) for host in {task.host for task in tasks if task.host is not None}]
    body = context.session.get_one(TaskDefinitionRow, primary.task_definition_arn).body
    demand = demand_of(body, service.name, {})
    return ScaleInRules(
        tuple((strategy["type"], strategy.get("field", "")) for strategy in strategies),
        {node.id: node for node in found if node is not None},
        demand.cpu,
        demand.memory,
    )
