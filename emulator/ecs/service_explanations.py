"""What a service's deployment waits for, in words (`ashore explain SERVICE`). Looks only; decides nothing."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from emulator.codedeploy.progress import ACTIVE
from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs.breaker import describe_breaker
from emulator.ecs.deployment_alarms import enabled
from emulator.ecs.deployments import living
from emulator.ecs.ingress_routes import routes_of, url_of
from emulator.ecs.lifecycle_hooks import OPEN, hooks_of
from emulator.ecs.recipes import Recipe, recipe_of, task_set_recipe
from emulator.ecs.service_documents import computed_desired, task_sets_of
from emulator.ecs.service_events import events_of
from emulator.ecs.service_failures import held_until
from emulator.ecs.service_tasks import LiveTask, live_tasks, view_of
from emulator.ecs.shift_plans import place_of, plan_of, shifts_traffic
from emulator.state.codedeploy import CodeDeploymentRow
from emulator.state.ecs import ServiceDeploymentRow, ServiceRow
from scheduler.reconcile.code_deploy import EVENTS
from scheduler.reconcile.traffic_shift import Stage
from scheduler.reconcile.waits import waits

_UNPLACED = "was unable to"


def explain_service(context: Context, service: ServiceRow) -> list[str]:
    """One line for everything there is to say."""
    tasks = live_tasks(context, service)
    running = sum(task.status == "RUNNING" for task in tasks)
    lines = [f"Service {service.name} is {service.status}: {service.desired_count} tasks desired, {running} run."]
    if service.status != "INACTIVE":
        lines += _of_parts(context, service, tasks)
    rollout = rollouts.current(context, service.arn)
    if rollout is not None:
        lines += _of_rollout(service, rollout)
    if service.body.get("serviceConnectConfiguration", {}).get("enabled"):
        lines.append("Service Connect is kept and listed only: no proxy runs beside the tasks, aliases do not resolve.")
    lines += _of_routes(context, service)
    lines += _of_code_deploy(context, service)
    held = held_until(context, service)
    if held is not None:
        lines.append(f"Tasks failed to start or died at once: nothing is started before {_instant(held)}.")
    newest = events_of(context, service.arn)[:1]
    lines += [f"Newest event: {event['message']}" for event in newest if _UNPLACED in event["message"]]
    return lines


def _of_routes(context: Context, service: ServiceRow) -> Iterator[str]:
    """Where ECS has it answered, and what of that is still to be made."""
    for route in routes_of(context, service.arn):
        yield f"{url_of(context, route)} is {route.status}."
        if not living(context, service) and service.status == "ACTIVE":
            yield "  The first deployment begins once load balancer, target groups and rule are there."


def _of_parts(context: Context, service: ServiceRow, tasks: list[LiveTask]) -> Iterator[str]:
    """Deployments, or task sets, each with what it waits for."""
    parts: list[tuple[str, Recipe, int, bool]] = [
        (f"Deployment {row.id} ({row.status}, {row.rollout_state})", recipe_of(service, row), row.desired_count, alone)
        for row in living(context, service)
        for alone in [shifts_traffic(rollouts.current(context, service.arn))]
        if alone or row.status == "PRIMARY"
    ]
    parts += [
        (
            f"Task set {row.id} ({row.status}, {row.stability})",
            task_set_recipe(row),
            computed_desired(row, service),
            True,
        )
        for row in task_sets_of(context, service.arn)
    ]
    for name, recipe, desired, alone in parts:
        own = [task for task in tasks if task.deployment_id == recipe.id] if alone else tasks
        view = view_of(context, service, recipe, own, may_start=True, desired=desired)
        found = waits(view)
        revision = recipe.task_definition_arn.rpartition("/")[2]
        yield f"{name} of {revision} " + ("waits for this:" if found else "waits for nothing.")
        yield from (f"  {line}" for line in found)


def _of_rollout(service: ServiceRow, rollout: ServiceDeploymentRow) -> Iterator[str]:
    name = rollout.arn.rpartition("/")[2]
    if not shifts_traffic(rollout) or rollout.stage is None:
        yield f"Service deployment {name} is {rollout.status}."
    else:
        place, plan = place_of(rollout), plan_of(rollout)
        step = f", step {place.step + 1} of {len(plan.shares)}" if place.stage is Stage.PRODUCTION_TRAFFIC_SHIFT else ""
        waiting = rollout.progress.get("waits")
        told = f": it waits for {waiting}" if waiting else ""
        yield f"Service deployment {name} is {rollout.status}, in the stage {place.stage.value}{step}{told}."
    for hook in hooks_of(rollout):
        if hook["status"] in OPEN:
            until = _instant(datetime.fromisoformat(hook["expiresAt"]))
            yield f"  Hook {hook['hookId']} ({hook['targetArn'] or 'pause'}) is {hook['status']}, until {until}."
    breaker = describe_breaker(rollout, service.desired_count)
    if breaker["status"] != "DISABLED":
        yield f"  Circuit breaker: {breaker['failureCount']} failures of {breaker['threshold']}."
    if enabled(rollout):
        yield f"  Alarms are watched: {', '.join(rollout.configuration['alarms']['alarmNames'])}."


def _of_code_deploy(context: Context, service: ServiceRow) -> Iterator[str]:
    """CodeDeploy's deployment of the service that is under way."""
    under_way = select(CodeDeploymentRow).where(
        CodeDeploymentRow.service_arn == service.arn, CodeDeploymentRow.status.in_(ACTIVE)
    )
    for row in context.session.scalars(under_way):
        stage, waiting = row.progress.get("stage"), row.progress.get("waits")
        event = "" if stage is None else f", in {EVENTS.get(Stage(stage), stage)}"
        told = f": it waits for {waiting}" if waiting else ""
        yield f"Deployment {row.id} of CodeDeploy is {row.status}{event}{told}."


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
