"""Carries out what a step of a service decided: tasks are written, or told to stop, and the service tells of it."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs import service_events as events
from emulator.ecs.breaker import check_failed
from emulator.ecs.capacity_launch import launch_by_strategy, running_by_provider
from emulator.ecs.clusters import find_cluster
from emulator.ecs.daemon_hosts import launch_on
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.launch import LaunchRequest, LaunchResult, launch_tasks
from emulator.ecs.placement_rules import constraints_of, strategies_of
from emulator.ecs.recipes import Recipe
from emulator.ecs.service_events import tell
from emulator.ecs.service_targets import tell_drains, unhealthy_targets
from emulator.ecs.service_wakes import look_again
from emulator.ecs.task_states import StopCode, request_stop
from emulator.journal import Kind
from emulator.state.ecs import ServiceDeploymentRow, ServiceRow, TaskDefinitionRow, TaskRow
from scheduler.decisions import closest_match
from scheduler.placement import SERVICE_DEFAULT
from scheduler.reconcile.service import Decision, Start, Stop, Why

_RETRY = timedelta(seconds=30)
"""When a task that found no host is tried again, unless a host or a stopping task wakes the service before (unconfirmed)."""


def carry_out(
    context: Context, service: ServiceRow, recipe: Recipe, found: Decision, rollout: ServiceDeploymentRow | None
) -> None:
    """Stop and start what was decided."""
    if found.actions:
        context.record(Kind.DECISION, service.arn, {"reasons": list(found.reasons)}, scope=service.cluster_arn)
    if found.stops:
        _stop(context, service, recipe, found.stops, rollout)
    for action in found.actions:
        if isinstance(action, Start):
            _start(context, service, recipe, action)
    if found.more:
        context.wake("services", service.arn)
    if found.look_again is not None:
        look_again(context, service, context.now + timedelta(seconds=found.look_again))


def _stop(
    context: Context,
    service: ServiceRow,
    recipe: Recipe,
    stops: Iterable[Stop],
    rollout: ServiceDeploymentRow | None,
) -> None:
    why = {stop.task_arn: stop.why for stop in stops}
    failed = 0
    stopped = []
    for task in context.session.scalars(select(TaskRow).where(TaskRow.arn.in_(why)).order_by(TaskRow.arn)):
        kind = "task set" if recipe.task_set else "deployment"  # (unconfirmed) of task sets
        reason = f"Scaling activity initiated by ({kind} {recipe.id})"
        if why[task.arn] is Why.UNHEALTHY:
            reason = _tell_unhealthy(context, service, task)
            failed += task.deployment_id == recipe.id
        request_stop(context, task, StopCode.SERVICE_SCHEDULER_INITIATED, reason)
        stopped.append(task)
    check_failed(rollout, failed)
    tell_drains(context, service, stopped)
    tell(context, service, events.stopped(list(why)))


def _tell_unhealthy(context: Context, service: ServiceRow, task: TaskRow) -> str:
    """Tell which checks a task fails; the reason for its end."""
    targets = unhealthy_targets(context, task)
    if not targets:
        tell(context, service, events.failed_health_checks(task.arn))
        return "Task failed container health checks"
    for item, health in targets:
        key = (item["id"], item["port"])
        reason = health.description or "Health checks failed"
        tell(context, service, events.unhealthy_target(task.arn, key, item["targetGroupArn"], reason))
    return f"Task failed ELB health checks in (target-group {targets[0][0]['targetGroupArn']})"


def _start(context: Context, service: ServiceRow, recipe: Recipe, action: Start) -> None:
    try:
        launch = _launch(context, service, recipe, action.count, action.zone)
        if action.hosts:
            result = launch_on(context, launch, action.hosts)
        elif recipe.strategy:
            running = running_by_provider(context, service.arn, recipe.id)
            result = launch_by_strategy(context, launch, recipe.strategy, running)
        else:
            result = launch_tasks(context, launch)
    except InvalidParameterException as error:  # what the service needs has gone, such as its subnet
        tell(context, service, events.not_placed(error.message))
        look_again(context, service, context.now + _RETRY)
        return
    arns = [task.arn for task in result.tasks]
    if arns:
        usual = events.started(arns, min(action.unhealthy, len(arns)))
        tell(context, service, events.started_to_rebalance(arns, action.zone) if action.zone else usual)
    if len(arns) < action.count:
        _tell_unplaced(context, service, result)
        look_again(context, service, context.now + _RETRY)


def _launch(context: Context, service: ServiceRow, recipe: Recipe, count: int, zone: str) -> LaunchRequest:
    definition = context.session.get_one(TaskDefinitionRow, recipe.task_definition_arn)
    body = service.body
    constraints = [*definition.body["placementConstraints"], *body["placementConstraints"]]
    if zone and recipe.launch_type != "FARGATE":  # there the poorest zone is chosen anyway
        constraints.append({"type": "memberOf", "expression": f"attribute:ecs.availability-zone == {zone}"})
    return LaunchRequest(
        cluster=find_cluster(context, service.cluster_arn),
        task_definition=definition,
        count=count,
        launch_type=recipe.launch_type,
        group=f"service:{service.name}",
        constraints=[constraint for document in constraints for constraint in constraints_of([document])],
        strategies=strategies_of(body["placementStrategy"]) or SERVICE_DEFAULT,
        started_by=recipe.id,
        service_arn=service.arn,
        deployment_id=recipe.id,
        network_configuration=recipe.network_configuration,
        tags=_tags(service, definition),
        enable_execute_command=body["enableExecuteCommand"],
        asked={member: body[member] for member in ("placementConstraints", "placementStrategy") if body[member]},
    )


def _tags(service: ServiceRow, definition: TaskDefinitionRow) -> list[dict[str, str]]:
    tags = {"TASK_DEFINITION": definition.tags, "SERVICE": service.tags}.get(service.body["propagateTags"], [])
    if not service.body["enableECSManagedTags"]:
        return tags
    managed = {"aws:ecs:serviceName": service.name, "aws:ecs:clusterName": service.cluster_arn.rpartition("/")[2]}
    return [*tags, *({"key": key, "value": value} for key, value in managed.items())]


def _tell_unplaced(context: Context, service: ServiceRow, result: LaunchResult) -> None:
    nearest = closest_match(result.placement.decisions[-1]) if result.placement is not None else None
    tell(context, service, events.without_hosts() if nearest is None else events.closest(*nearest))
