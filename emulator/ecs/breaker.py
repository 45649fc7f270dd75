"""The circuit breaker of a service deployment: counts what fails, and ends the deployment at the threshold.

`breaker` of a service deployment's row keeps: `failures`, `ran` (the second stage), `starts` (failed starts counted so
far), `checks` (failed health checks since the last count), `healthy` (tasks known to be healthy, kept only while there
are failures that a recovery would set back), `tripped`, and `before` (what led to the rollback that is under way).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select

from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs import service_events as events
from emulator.ecs.service_events import tell
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow, TaskRow
from scheduler.reconcile.circuit_breaker import Breaker, Seen, ThresholdType, count, threshold
from scheduler.reconcile.service_view import ServiceView


def threshold_of(configuration: dict[str, Any], desired: int) -> int:
    """How many failures end the deployment."""
    asked = configuration["deploymentCircuitBreaker"].get("thresholdConfiguration")
    return threshold(desired) if asked is None else threshold(desired, ThresholdType(asked["type"]), asked["value"])


def check_failed(row: ServiceDeploymentRow | None, tasks: int) -> None:
    """Tasks of the deployment are stopped because of their health checks."""
    if row is not None and tasks:
        row.breaker = {**row.breaker, "checks": row.breaker.get("checks", 0) + tasks}


def quiet(row: ServiceDeploymentRow, primary: DeploymentRow) -> bool:
    """Whether nothing has failed, so that a look at the tasks would count nothing; that a task ran is seen later, too."""
    if not row.configuration["deploymentCircuitBreaker"]["enable"]:
        return True
    kept = row.breaker
    counted = kept.get("failures") or kept.get("checks") or kept.get("healthy") or kept.get("tripped")
    return not counted and primary.failed_tasks <= kept.get("starts", 0)


def watch(
    context: Context, service: ServiceRow, row: ServiceDeploymentRow, primary: DeploymentRow, view: ServiceView
) -> bool:
    """Count what happened since the last look; whether the deployment was given up for it."""
    asked = row.configuration["deploymentCircuitBreaker"]
    if not asked["enable"] or row.status not in {rollouts.Status.IN_PROGRESS, rollouts.Status.ROLLBACK_IN_PROGRESS}:
        return False
    kept = row.breaker
    before = Breaker(kept.get("failures", 0), kept.get("ran", False))
    well = [task.arn for task in view.tasks if task.primary and view.healthy(task)]
    known = kept.get("healthy")
    seen = Seen(
        failed_starts=max(0, primary.failed_tasks - kept.get("starts", 0)),
        failed_checks=kept.get("checks", 0),
        runs=not before.ran and _ran(context, row, primary),
        became_healthy=known is not None and bool(set(well) - set(known)),
    )
    after = count(before, seen, resets=asked.get("resetOnHealthyTask", True))
    found: dict[str, Any] = {"failures": after.failures, "ran": after.ran, "starts": primary.failed_tasks}
    found |= {"healthy": well} if after.failures and after.ran else {}
    found |= {"before": kept["before"]} if "before" in kept else {}
    if after.failures < threshold_of(row.configuration, service.desired_count):
        if found != kept:
            row.breaker = found
        return False
    row.breaker = {**found, "tripped": True}
    _trip(context, service, row, primary, back=asked["rollback"])
    return True


def _ran(context: Context, row: ServiceDeploymentRow, primary: DeploymentRow) -> bool:
    """Whether a task of the deployment ran, however shortly; before a rollback only what still runs counts."""
    since = row.created_at if row.rollback is None else datetime.fromisoformat(row.rollback["startedAt"])
    ran = exists().where(
        TaskRow.service_arn == row.service_arn,
        TaskRow.deployment_id == primary.id,
        TaskRow.started_at.is_not(None),
        or_(TaskRow.last_status == "RUNNING", TaskRow.created_at >= since),
    )
    return bool(context.session.scalar(select(ran)))


def _trip(
    context: Context, service: ServiceRow, row: ServiceDeploymentRow, primary: DeploymentRow, *, back: bool
) -> None:
    tell(context, service, events.failed(primary.id))
    if row.status == rollouts.Status.ROLLBACK_IN_PROGRESS:
        rollouts.stall(context, service, row, rollouts.BREAKER, rollouts.Status.ROLLBACK_FAILED)
    elif back:
        rollouts.roll_back(context, service, row, rollouts.BREAKER)
    else:
        rollouts.stall(context, service, row, rollouts.BREAKER, rollouts.Status.STOPPED)


def describe_breaker(row: ServiceDeploymentRow, desired: int) -> dict[str, Any]:
    """`deploymentCircuitBreaker` as DescribeServiceDeployments shows it."""
    counted = row.breaker.get("before", row.breaker)
    status = "MONITORING" if row.status in rollouts.RUNNING else "MONITORING_COMPLETE"
    if counted.get("tripped"):
        status = "TRIGGERED"
    if not row.configuration["deploymentCircuitBreaker"]["enable"]:
        status = "DISABLED"
    return {
        "status": status,
        "failureCount": counted.get("failures", 0),
        "threshold": threshold_of(row.configuration, desired),
    }
