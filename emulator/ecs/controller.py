"""The loop `services`: brings each service a step nearer to what it asks for."""

from datetime import timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.deployments import complete, living, retire
from emulator.ecs.launch import LaunchRequest, LaunchResult, launch_tasks
from emulator.ecs.placement_rules import constraints_of, strategies_of
from emulator.ecs.service_events import TROUBLESHOOTING, list_of, tell
from emulator.ecs.task_states import StopCode, request_stop
from emulator.emulator import Emulator
from emulator.state.ecs import ContainerInstanceRow, DeploymentRow, ServiceRow, TaskDefinitionRow, TaskRow
from scheduler.decisions import closest_match
from scheduler.placement import SERVICE_DEFAULT
from scheduler.reconcile.service import ServiceStep, ServiceTask, ServiceView, step

_AT_ONCE = 100
"""Tasks that one pass starts at most, so that services take turns and requests are not kept waiting."""
_SETTLING = timedelta(seconds=40)
"""Without health checks a task counts as healthy so long after it is RUNNING, while it replaces another."""
_RETRY = timedelta(seconds=15)
"""When a task that found no host is tried again, unless a host or a stopping task wakes the service before."""
_FIRST_DELAY, _LAST_DELAY = timedelta(seconds=10), timedelta(minutes=27)
"""The curve of held-back starts is a guess, its cap is not (unconfirmed)."""


class Controller:
    """Reconciles services."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        emulator.loops.add("services", self.handle, batch=1)

    def start(self) -> None:
        """Wake every service that is not gone."""
        with self._emulator.store.begin() as session:
            arns = session.scalars(select(ServiceRow.arn).where(ServiceRow.status != "INACTIVE")).all()
        self._emulator.loops.wake("services", *arns)

    async def handle(self, arns: list[str]) -> None:
        """One step for each service, each in a transaction of its own."""
        for arn in arns:
            with self._emulator.store.begin() as session:
                row = session.get(ServiceRow, arn)
                if row is not None and row.status != "INACTIVE":
                    principal = (
                        f"arn:aws:iam::{row.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
                    )
                    ids = self._emulator.ids
                    reconcile(Context(session, row.account, row.region, principal, ids.uuid(), self._emulator), row)


def reconcile(context: Context, service: ServiceRow) -> None:
    """One step of one service."""
    tasks = list(
        context.session.scalars(
            select(TaskRow).where(TaskRow.service_arn == service.arn, TaskRow.last_status != "STOPPED")
        )
    )
    deployments = living(context, service)
    primary = deployments[0]
    _count_failures(context, service, deployments)
    wanted = [task for task in tasks if task.desired_status == "RUNNING"]
    view = _view(context, service, primary, wanted)
    found = step(view)
    if found.stop:
        _stop(context, service, primary, {task.arn: task for task in wanted}, found.stop)
    if found.start:
        _start(context, service, primary, found.start)
    _retire_empty(context, deployments, tasks)
    _report(context, service, primary, found, draining=bool(tasks))


def _view(context: Context, service: ServiceRow, primary: DeploymentRow, wanted: list[TaskRow]) -> ServiceView:
    configuration = service.body["deploymentConfiguration"]
    replacing = any(task.deployment_id != primary.id for task in wanted)
    draining = set(
        context.session.scalars(
            select(ContainerInstanceRow.arn).where(
                ContainerInstanceRow.cluster_arn == service.cluster_arn, ContainerInstanceRow.status == "DRAINING"
            )
        )
    )
    definition = context.session.get(TaskDefinitionRow, primary.task_definition_arn)
    checked = definition is not None and any("healthCheck" in c for c in definition.body["containerDefinitions"])
    held = service.start_not_before is not None and service.start_not_before > context.now
    return ServiceView(
        desired=service.desired_count,
        tasks=tuple(
            ServiceTask(
                arn=task.arn,
                primary=task.deployment_id == primary.id,
                running=task.last_status == "RUNNING",
                healthy=_healthy(
                    context, task, checked=checked, settling=replacing and task.deployment_id == primary.id
                ),
                failing=_failing(context, service, task),
                zone=task.zone,
                host=task.container_instance_arn or "",
                draining=task.container_instance_arn in draining,
            )
            for task in wanted
        ),
        minimum_percent=configuration["minimumHealthyPercent"],
        maximum_percent=configuration["maximumPercent"],
        may_start=service.status == "ACTIVE" and not held,
    )


def _healthy(context: Context, task: TaskRow, *, checked: bool, settling: bool) -> bool:
    if task.last_status != "RUNNING" or task.started_at is None:
        return False
    if checked:
        return task.health_status == "HEALTHY"
    if not settling:
        return True
    ready = task.started_at + _SETTLING
    if ready > context.now:
        arn = str(task.service_arn)
        context.after_commit(lambda: context.emulator.loops.wake_at("services", arn, ready))
    return ready <= context.now


def _failing(context: Context, service: ServiceRow, task: TaskRow) -> bool:
    grace = timedelta(seconds=service.body["healthCheckGracePeriodSeconds"])
    return task.health_status == "UNHEALTHY" and task.started_at is not None and task.started_at + grace <= context.now


def _stop(
    context: Context, service: ServiceRow, primary: DeploymentRow, tasks: dict[str, TaskRow], arns: tuple[str, ...]
) -> None:
    for arn in arns:
        task = tasks[arn]
        reason = f"Scaling activity initiated by (deployment {primary.id})"
        if _failing(context, service, task):
            reason = "Task failed container health checks"
            tell(context, service, f"(task {task.id}) failed container health checks.")
        request_stop(context, task, StopCode.SERVICE_SCHEDULER_INITIATED, reason)
    tell(context, service, f"has stopped {len(arns)} running tasks: {list_of(arns)}.")


def _start(context: Context, service: ServiceRow, primary: DeploymentRow, count: int) -> None:
    result = _launch(context, service, primary, min(count, _AT_ONCE))
    if result.tasks:
        arns = [task.arn for task in result.tasks]
        tell(context, service, f"has started {len(arns)} tasks: {list_of(arns)}.")
    if len(result.tasks) < min(count, _AT_ONCE):
        _tell_unplaced(context, service, result)
        at = context.now + _RETRY
        context.after_commit(lambda: context.emulator.loops.wake_at("services", service.arn, at))
    elif count > _AT_ONCE:
        context.wake("services", service.arn)


def _launch(context: Context, service: ServiceRow, primary: DeploymentRow, count: int) -> LaunchResult:
    definition = context.session.get(TaskDefinitionRow, primary.task_definition_arn)
    if definition is None:
        raise LookupError(primary.task_definition_arn)
    body = service.body
    tags = {"TASK_DEFINITION": definition.tags, "SERVICE": service.tags}.get(body["propagateTags"], [])
    return launch_tasks(
        context,
        LaunchRequest(
            cluster=find_cluster(context, service.cluster_arn),
            task_definition=definition,
            count=count,
            launch_type=service.launch_type,
            group=f"service:{service.name}",
            constraints=constraints_of([*definition.body["placementConstraints"], *body["placementConstraints"]]),
            strategies=strategies_of(body["placementStrategy"]) or SERVICE_DEFAULT,
            started_by=primary.id,
            service_arn=service.arn,
            deployment_id=primary.id,
            network_configuration=body.get("networkConfiguration"),
            tags=tags,
            enable_execute_command=body["enableExecuteCommand"],
        ),
    )


def _tell_unplaced(context: Context, service: ServiceRow, result: LaunchResult) -> None:
    text = "was unable to place a task because no container instance met all of its requirements."
    closest = closest_match(result.placement.decisions[-1]) if result.placement is not None else None
    if closest is None:
        reason = "Reason: No Container Instances were found in your cluster."
    else:
        reason = f"The closest matching (container-instance {closest[0].rpartition('/')[2]}) {closest[1]}."
    tell(context, service, f"{text} {reason} {TROUBLESHOOTING}")


def _count_failures(context: Context, service: ServiceRow, deployments: list[DeploymentRow]) -> None:
    """Count tasks that stopped before they ran; after three in a row starts are held back, ever longer."""
    for deployment in deployments:
        failed = len(
            context.session.scalars(
                select(TaskRow.arn).where(
                    TaskRow.service_arn == service.arn,
                    TaskRow.deployment_id == deployment.id,
                    TaskRow.last_status == "STOPPED",
                    TaskRow.stop_code == StopCode.TASK_FAILED_TO_START,
                )
            ).all()
        )
        new = failed - deployment.failed_tasks
        if new <= 0:
            continue
        deployment.failed_tasks = failed
        service.unhealthy_streak += new
        if service.unhealthy_streak >= 3:
            tell(context, service, f"is unable to consistently start tasks successfully. {TROUBLESHOOTING}")
            delay = min(_FIRST_DELAY * 2 ** min(service.unhealthy_streak - 3, 12), _LAST_DELAY)
            at = service.start_not_before = context.now + delay
            context.after_commit(lambda at=at: context.emulator.loops.wake_at("services", service.arn, at))  # type: ignore[misc]


def _retire_empty(context: Context, deployments: list[DeploymentRow], tasks: list[TaskRow]) -> None:
    busy = {task.deployment_id for task in tasks}
    for deployment in deployments:
        if deployment.status == "ACTIVE" and deployment.id not in busy:
            retire(context, deployment)


def _report(
    context: Context, service: ServiceRow, primary: DeploymentRow, found: ServiceStep, *, draining: bool
) -> None:
    if service.status == "DRAINING":
        if not draining:
            service.status, service.stopped_at = "INACTIVE", context.now
        return
    if found.blocked:
        tell(
            context,
            service,
            "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
            "Update the minimumHealthyPercent or maximumPercent value and try again.",
        )
    steady = found.steady and all(row.status == "PRIMARY" for row in living(context, service))
    if steady and not service.steady:
        service.unhealthy_streak, service.start_not_before = 0, None
        if primary.rollout_state == "IN_PROGRESS":
            complete(context, primary)
            tell(context, service, f"(deployment {primary.id}) deployment completed.")
        tell(context, service, "has reached a steady state.")
    if service.steady != steady:
        service.steady = steady
