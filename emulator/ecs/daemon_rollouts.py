"""Deployments of daemons: how one begins, and the only place that assigns their statuses."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.daemon_task_definitions import wake_deletions
from emulator.journal import Kind
from emulator.state.daemons import DaemonDeploymentRow, DaemonRevisionRow, DaemonRow
from emulator.state.ecs import TaskRow
from scheduler.reconcile.alarms import Alarm, alarming, triggered
from scheduler.reconcile.circuit_breaker import threshold
from scheduler.reconcile.daemon_rollout import Outcome, RolloutView, Verdict, judge


class Status(StrEnum):
    """The model's statuses, but for STOP_REQUESTED: what is replaced by a newer deployment is stopped at once."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESSFUL = "SUCCESSFUL"
    STOPPED = "STOPPED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


RUNNING = (Status.PENDING, Status.IN_PROGRESS, Status.ROLLBACK_IN_PROGRESS)
_ENDED = (Status.SUCCESSFUL, Status.ROLLBACK_SUCCESSFUL, Status.ROLLBACK_FAILED)
_NEXT: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.IN_PROGRESS, Status.STOPPED}),
    Status.IN_PROGRESS: frozenset({Status.SUCCESSFUL, Status.STOPPED, Status.ROLLBACK_IN_PROGRESS}),
    Status.ROLLBACK_IN_PROGRESS: frozenset({Status.ROLLBACK_SUCCESSFUL, Status.ROLLBACK_FAILED, Status.STOPPED}),
}


def move(context: Context, row: DaemonDeploymentRow, status: Status, reason: str | None = None) -> None:
    """Set the status with the instant that belongs to it."""
    if status not in _NEXT[Status(row.status)]:
        raise ValueError(f"daemon deployment {row.arn} cannot go from {row.status} to {status}")
    row.status, row.status_reason = status.value, reason or row.status_reason
    if status is Status.IN_PROGRESS:
        row.started_at = context.now
    elif status is Status.STOPPED:
        row.stopped_at = context.now
    elif status in _ENDED:
        row.finished_at = context.now
    detail = {"daemonDeployment": row.arn, "status": row.status, "reason": reason}
    context.record(Kind.STATE_CHANGE, row.daemon_arn, detail, scope=row.cluster_arn)


def begin(
    context: Context, daemon: DaemonRow, body: Mapping[str, Any], configuration: Mapping[str, Any]
) -> DaemonDeploymentRow:
    """A new revision of the daemon and its deployment, instead of one that goes on."""
    earlier = running(context, daemon)
    if earlier is not None:
        move(context, earlier, Status.STOPPED, "Replaced by a newer deployment.")  # (unconfirmed) text
    path = daemon.arn.partition(":daemon/")[2]
    revision = DaemonRevisionRow(
        arn=context.arn("ecs", f"daemon-revision/{path}/{context.emulator.ids.digits19()}"),
        daemon_arn=daemon.arn,
        cluster_arn=daemon.cluster_arn,
        body=dict(body),
        created_at=context.now,
    )
    its = DaemonDeploymentRow.daemon_arn == daemon.arn
    last = context.session.scalar(select(func.max(DaemonDeploymentRow.sequence)).where(its)) or 0
    row = DaemonDeploymentRow(
        arn=context.arn("ecs", f"daemon-deployment/{path}/{context.emulator.ids.text21()}"),
        daemon_arn=daemon.arn,
        cluster_arn=daemon.cluster_arn,
        sequence=last + 1,
        revision_arn=revision.arn,
        source_arns=_with_tasks(context, daemon),
        last_good_arn=_last_good(context, daemon),
        status=Status.PENDING.value,
        status_reason=None,
        configuration=dict(configuration),
        failed_tasks=0,
        alarms={},
        rollback=None,
        steady_at=None,
        created_at=context.now,
        started_at=None,
        stopped_at=None,
        finished_at=None,
    )
    context.session.add_all([revision, row])
    daemon.revision_arn, daemon.deployment_arn, daemon.halted = revision.arn, row.arn, False
    daemon.failures = {**daemon.failures, "streak": 0, "notBefore": None}
    context.record(Kind.STATE_CHANGE, daemon.arn, {"daemonDeployment": row.arn, "status": row.status})
    context.wake("daemons", daemon.arn)
    return row


def running(context: Context, daemon: DaemonRow) -> DaemonDeploymentRow | None:
    """The deployment that goes on; None where the newest one has ended."""
    row = context.session.get(DaemonDeploymentRow, daemon.deployment_arn)
    return row if row is not None and row.status in RUNNING else None


def _with_tasks(context: Context, daemon: DaemonRow) -> list[str]:
    """The revisions that have tasks."""
    found = select(TaskRow.deployment_id).where(TaskRow.service_arn == daemon.arn, TaskRow.last_status != "STOPPED")
    return sorted({arn for arn in context.session.scalars(found) if arn is not None})


def _last_good(context: Context, daemon: DaemonRow) -> str | None:
    """The revision of the newest deployment that succeeded, or was gone back to with success."""
    row = context.session.scalars(
        select(DaemonDeploymentRow)
        .where(
            DaemonDeploymentRow.daemon_arn == daemon.arn,
            DaemonDeploymentRow.created_at >= daemon.created_at,
            DaemonDeploymentRow.status.in_([Status.SUCCESSFUL, Status.ROLLBACK_SUCCESSFUL]),
        )
        .order_by(DaemonDeploymentRow.sequence.desc())
        .limit(1)
    ).first()
    if row is None or row.rollback is None:
        return None if row is None else row.revision_arn
    return str(row.rollback["rollbackTargetDaemonRevisionArn"])


def failed(row: DaemonDeploymentRow, count: int) -> None:
    """Count failed tasks of the revision that is deployed, or is gone back to."""
    if row.rollback is None:
        row.failed_tasks += count
    else:
        row.rollback = {**row.rollback, "failedTasks": row.rollback["failedTasks"] + count}


def attend(context: Context, daemon: DaemonRow, row: DaemonDeploymentRow, hosts: int, *, steady: bool) -> None:
    """Judge a deployment after a step, and do what follows."""
    if row.status == Status.PENDING:
        move(context, row, Status.IN_PROGRESS)
    row.steady_at = (row.steady_at or context.now) if steady else None
    returns = row.status == Status.ROLLBACK_IN_PROGRESS
    view = RolloutView(
        steady_for=None if row.steady_at is None else (context.now - row.steady_at).total_seconds(),
        bake=row.configuration["bakeTimeInMinutes"] * 60.0,
        failed_tasks=row.rollback["failedTasks"] if row.rollback is not None else row.failed_tasks,
        threshold=threshold(hosts),
        triggered=_triggered(context, row),
        returns=returns,
        has_earlier=row.last_good_arn is not None,
    )
    outcome = judge(view)
    if outcome.look_again is not None:
        look_again(context, daemon, context.now + timedelta(seconds=outcome.look_again))
    if outcome.verdict is not Verdict.GO_ON:
        _follow(context, daemon, row, outcome, returns=returns)


def _follow(context: Context, daemon: DaemonRow, row: DaemonDeploymentRow, outcome: Outcome, *, returns: bool) -> None:
    """Carry a verdict out; the reasons' texts are (unconfirmed)."""
    reason = f"ECS daemon deployment failed: {outcome.reason}." if outcome.reason else None
    match outcome.verdict:
        case Verdict.SUCCEED:
            move(context, row, Status.ROLLBACK_SUCCESSFUL if returns else Status.SUCCESSFUL)
        case Verdict.GIVE_UP:
            move(context, row, Status.ROLLBACK_FAILED if returns else Status.STOPPED, reason)
            daemon.halted = True
        case Verdict.ROLL_BACK if row.last_good_arn is not None:
            target = context.session.get_one(DaemonRevisionRow, row.last_good_arn)
            move(context, row, Status.ROLLBACK_IN_PROGRESS, reason)
            row.rollback = {
                "reason": reason,
                "startedAt": context.now.isoformat(),
                "rollbackTargetDaemonRevisionArn": target.arn,
                "rollbackCapacityProviders": target.body["capacityProviderArns"],
                "failedTasks": 0,
            }
            row.steady_at, daemon.revision_arn = None, target.arn
            daemon.failures = {**daemon.failures, "streak": 0, "notBefore": None}
            context.wake("daemons", daemon.arn)
    wake_deletions(context)


def _triggered(context: Context, row: DaemonDeploymentRow) -> tuple[str, ...]:
    settings = row.configuration["alarms"]
    if not settings["enable"] or row.status != Status.IN_PROGRESS:
        return ()
    found = [
        Alarm(alarm.name, alarm.state == "ALARM", alarm.seconds)
        for alarm in context.emulator.neighbours.alarms(*_place(row.arn), settings["alarmNames"])
    ]
    if "before" not in row.alarms:
        row.alarms = {"before": sorted(alarming(found)), "triggered": []}
    names = triggered(found, row.alarms["before"])
    if names:
        row.alarms = {**row.alarms, "triggered": list(names)}
    return names


def _place(arn: str) -> tuple[str, str]:
    parts = arn.split(":")
    return parts[4], parts[3]


def look_again(context: Context, daemon: DaemonRow, at: datetime) -> None:
    """Have the daemon looked at once the clock shows `at`."""
    arn = daemon.arn
    context.after_commit(lambda: context.emulator.loops.wake_at("daemons", arn, at))
