"""The only place that assigns task statuses."""

from enum import StrEnum

from emulator.context import Context
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
        case TaskStatus.STOPPING:
            row.stopping_at = now
        case TaskStatus.STOPPED:
            row.stopped_at = now
            row.stopping_at = row.stopping_at or now
            row.tags = []
    _changed(context, row, {"lastStatus": status.value})


def request_stop(context: Context, row: TaskRow, code: str, reason: str) -> None:
    """Set `desiredStatus` STOPPED; the first reason stays."""
    if row.desired_status == "STOPPED":
        return
    row.desired_status, row.stop_code, row.stopped_reason = "STOPPED", code, reason[:1024]
    _changed(context, row, {"desiredStatus": "STOPPED", "stopCode": code, "stoppedReason": reason})
    context.wake("tasks", row.arn)


def touched(context: Context, row: TaskRow) -> None:
    """Count a change of a container or of health."""
    _changed(context, row, {"healthStatus": row.health_status})


def _changed(context: Context, row: TaskRow, detail: dict[str, str]) -> None:
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, detail, scope=row.service_arn or row.cluster_arn)
    if row.service_arn is not None:
        context.wake("services", row.service_arn)
