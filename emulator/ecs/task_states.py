"""The only place that assigns task statuses."""

from enum import StrEnum

from emulator.context import Context
from emulator.ecs.names import environment_of, is_daemon
from emulator.ecs.task_targets import leave
from emulator.journal import Kind
from emulator.state.ecs import TaskRow
from scheduler.reconcile.lifecycle import TaskStatus


class StopCode(StrEnum):
    """Why a task stopped."""

    TASK_FAILED_TO_START = "TaskFailedToStart"
    ESSENTIAL_CONTAINER_EXITED = "EssentialContainerExited"
    USER_INITIATED = "UserInitiated"
    SERVICE_SCHEDULER_INITIATED = "ServiceSchedulerInitiated"
    TERMINATION_NOTICE = "TerminationNotice"
    SPOT_INTERRUPTION = "SpotInterruption"


BY_THEMSELVES = (StopCode.TASK_FAILED_TO_START, StopCode.ESSENTIAL_CONTAINER_EXITED)
"""Nobody asked for these ends."""

_NEXT: dict[TaskStatus, frozenset[TaskStatus]] = {
    status: frozenset(later) for status, later in zip(
        TaskStatus, (tuple(TaskStatus)[index + 1 :] for index in range(len(TaskStatus))), strict=True
    )
}  # fmt: skip
"""A task never returns to an earlier status; those it does not need are skipped."""


def move(context: Context, row: TaskRow, status: TaskStatus) -> None:
    """Set `lastStatus` with the instant that belongs to it, journal it, and wake who depends on it."""
    before = TaskStatus(row.last_status)
    if status not in _NEXT[before]:
        raise ValueError(f"task {row.arn} cannot go from {before} to {status}")
    row.last_status = status.value
    now = context.now
    match status:
        case TaskStatus.RUNNING:
            row.started_at = now
        case TaskStatus.STOPPING | TaskStatus.DEPROVISIONING:
            row.stopping_at = row.stopping_at or now
        case TaskStatus.STOPPED:
            row.stopped_at = now
            row.stopping_at = row.stopping_at or now
            row.tags = []
            row.attachments = [{**attachment, "status": "DELETED"} for attachment in row.attachments]
    _changed(context, row, {"lastStatus": status.value})


def request_stop(context: Context, row: TaskRow, code: str, reason: str) -> None:
    """Set `desiredStatus` STOPPED; the first reason stays."""
    if row.desired_status == "STOPPED":
        return
    row.desired_status, row.stop_code, row.stopped_reason = "STOPPED", code, reason[:1024]
    leave(context, row)
    _changed(context, row, {"desiredStatus": "STOPPED", "stopCode": code, "stoppedReason": reason})
    context.wake("tasks", row.arn)


def waits_for_host(row: TaskRow) -> bool:
    """It is to run on an Auto Scaling group provider that had no room for it: until there is, nothing can be done for it."""
    return (
        row.container_instance_arn is None
        and row.capacity_provider is not None
        and row.launch_type == "EC2"
        and row.desired_status == "RUNNING"
    )


def touched(context: Context, row: TaskRow) -> None:
    """Count a change of a container or of health."""
    _changed(context, row, {"healthStatus": row.health_status})


def _changed(context: Context, row: TaskRow, detail: dict[str, str]) -> None:
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, detail, scope=row.service_arn or row.cluster_arn)
    if row.service_arn is not None:
        context.wake("daemons" if is_daemon(row.service_arn) else "services", row.service_arn)
    environment_id = environment_of(row.started_by)
    if environment_id is not None:
        context.wake("environments", environment_id)
