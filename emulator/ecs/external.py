"""One step of a service with the controller EXTERNAL or CODE_DEPLOY: each task set by itself, as somebody else wants it."""

from emulator.context import Context
from emulator.ecs import service_events as events
from emulator.ecs.recipes import task_set_recipe
from emulator.ecs.service_documents import computed_desired, task_sets_of
from emulator.ecs.service_events import tell
from emulator.ecs.service_failures import held_until
from emulator.ecs.service_steps import carry_out
from emulator.ecs.service_targets import attend
from emulator.ecs.service_tasks import live_tasks, view_of
from emulator.ecs.service_wakes import look_again
from emulator.ecs.services import drain
from emulator.ecs.task_set_changes import CODE_DEPLOY
from emulator.journal import Kind
from emulator.state.ecs import ServiceRow, TaskSetRow
from scheduler.reconcile.service import step


def reconcile_task_sets(context: Context, service: ServiceRow) -> None:
    """Bring every task set nearer to its share; those that drain go when their last task has."""
    tasks, held = live_tasks(context, service), held_until(context, service, uncounted=True)
    if held is not None:
        look_again(context, service, held)
    steady, rows = True, task_sets_of(context, service.arn)
    if any(row.body.get("loadBalancers") for row in rows):
        tasks = attend(context, service, [task_set_recipe(row) for row in rows], tasks)
    for row in rows:
        own = [task for task in tasks if task.deployment_id == row.id]
        if row.status == "DRAINING" and not own:
            context.session.delete(row)
            context.record(Kind.STATE_CHANGE, service.arn, {"taskSet": row.id, "status": "deleted"}, row.cluster_arn)
            continue
        desired = computed_desired(row, service) if service.status == "ACTIVE" else 0
        recipe = task_set_recipe(row)
        view = view_of(context, service, recipe, own, may_start=held is None, desired=desired)
        found = step(view)
        carry_out(context, service, recipe, found, None)
        _settle(context, row, stable=found.steady)
        steady = steady and found.steady
    context.session.flush()
    if service.body["deploymentController"]["type"] == CODE_DEPLOY:
        context.wake("codedeploy", service.arn)
    if service.status == "DRAINING":
        drain(context, service)
    elif steady and not service.steady and tasks:
        tell(context, service, events.STEADY)
    service.steady = steady and bool(tasks)


def _settle(context: Context, row: TaskSetRow, *, stable: bool) -> None:
    stability = "STEADY_STATE" if stable else "STABILIZING"
    if row.stability != stability:
        row.stability, row.stability_at = stability, context.now
        detail = {"taskSet": row.id, "stabilityStatus": stability}
        context.record(Kind.STATE_CHANGE, row.service_arn, detail, row.cluster_arn)
