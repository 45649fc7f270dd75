"""Tasks of a service that failed: counted in their deployment, and what they mean for the next start."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.service_events import NOT_CONSISTENTLY, tell
from emulator.ecs.task_states import BY_THEMSELVES, StopCode
from emulator.state.ecs import DeploymentRow, ServiceRow, TaskRow
from scheduler.reconcile.throttle import delay

_SEEN = "failuresSeen"
"""Member of a deployment's body, not shown: the newest instant at which a counted task stopped, and who stopped then.

Task rows live for an hour only, therefore they cannot be counted anew; and instants alone do not tell tasks apart.
"""
_SHORT = timedelta(seconds=10)
_DEATHS_EACH = 3


def count_failures(context: Context, service: ServiceRow, deployments: list[DeploymentRow]) -> None:
    """Count tasks that stopped before they ran. A round of such failures makes the next start wait, ever longer."""
    if not sum(_count(context, service, deployment) for deployment in deployments):
        return
    if service.start_not_before is not None and service.start_not_before > context.now:
        return  # of the same round
    service.unhealthy_streak += 1
    seconds = delay(service.unhealthy_streak)
    if seconds:
        service.start_not_before = context.now + timedelta(seconds=seconds)
        tell(context, service, NOT_CONSISTENTLY)


def _count(context: Context, service: ServiceRow, deployment: DeploymentRow) -> int:
    seen: dict[str, Any] = deployment.body.get(_SEEN, {"until": None, "ids": []})
    failed = select(TaskRow.id, TaskRow.stopped_at).where(
        TaskRow.service_arn == service.arn,
        TaskRow.deployment_id == deployment.id,
        TaskRow.last_status == "STOPPED",
        TaskRow.started_at.is_(None),
        TaskRow.stop_code.in_(BY_THEMSELVES),
    )
    if seen["until"] is not None:
        failed = failed.where(TaskRow.stopped_at >= datetime.fromisoformat(seen["until"]))
    found = {task_id: at for task_id, at in context.session.execute(failed) if at is not None}
    new = found.keys() - set(seen["ids"])
    if new:
        until = max(found.values())
        ids = [task_id for task_id, at in found.items() if at == until]
        deployment.body = {**deployment.body, _SEEN: {"until": until.isoformat(), "ids": ids}}
        deployment.failed_tasks += len(new)
        deployment.updated_at = context.now
    return len(new)


def held_until(context: Context, service: ServiceRow, *, uncounted: bool = False) -> datetime | None:
    """Until when nothing is started; None where starts are free.

    Where starts that fail are not counted in a deployment (`uncounted`), they pace the next ones as deaths do.

    Tasks that came to RUNNING do not throttle on AWS, where a start takes long. Here it takes no time at all on a
    simulated runtime, so a service whose tasks die at once is paced, too (unconfirmed).
    """
    now = context.now
    if service.start_not_before is not None and service.start_not_before > now:
        return service.start_not_before
    ran = (TaskRow.started_at.is_not(None), TaskRow.stop_code == StopCode.ESSENTIAL_CONTAINER_EXITED)
    deaths = context.session.scalar(
        select(func.count()).where(
            TaskRow.service_arn == service.arn,
            TaskRow.last_status == "STOPPED",
            TaskRow.stopped_at > now - _SHORT,
            *((TaskRow.stop_code.in_(BY_THEMSELVES),) if uncounted else ran),
        )
    )
    return now + _SHORT if (deaths or 0) >= _DEATHS_EACH * max(1, service.desired_count) else None
