"""Service deployments as they begin, succeed, stop and roll back. The only place that assigns their statuses.

A deployment (`deployments.py`) is the tasks of one revision; a service deployment is the way from one revision to
another, with its outcome: going back to the revision before is part of the same service deployment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select

from emulator.context import Context
from emulator.ecs import service_events as events
from emulator.ecs.deployments import fail, living, new_deployment, promote
from emulator.ecs.ingress_routes import is_managed
from emulator.ecs.service_events import tell
from emulator.ecs.service_revisions import learn_digests, new_revision, restore, revision_arn
from emulator.ecs.service_targets import groups_for
from emulator.ecs.shift_plans import shifts_traffic, turn_back
from emulator.journal import Kind
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRevisionRow, ServiceRow
from scheduler.reconcile.early_success import EarlySuccess


class Status(StrEnum):
    """The status of a service deployment."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESSFUL = "SUCCESSFUL"
    STOP_REQUESTED = "STOP_REQUESTED"
    STOPPED = "STOPPED"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


_NEXT: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.IN_PROGRESS, Status.STOP_REQUESTED, Status.ROLLBACK_REQUESTED, Status.STOPPED, Status.SUCCESSFUL}
    ),
    Status.IN_PROGRESS: frozenset(
        {
            Status.SUCCESSFUL,
            Status.STOP_REQUESTED,
            Status.STOPPED,
            Status.ROLLBACK_REQUESTED,
            Status.ROLLBACK_IN_PROGRESS,
            Status.ROLLBACK_FAILED,
        }
    ),
    Status.STOP_REQUESTED: frozenset({Status.STOPPED}),
    Status.ROLLBACK_REQUESTED: frozenset({Status.ROLLBACK_IN_PROGRESS, Status.ROLLBACK_FAILED, Status.STOPPED}),
    Status.ROLLBACK_IN_PROGRESS: frozenset({Status.ROLLBACK_SUCCESSFUL, Status.ROLLBACK_FAILED, Status.STOPPED}),
}
RUNNING = frozenset(_NEXT)
"""Statuses of service deployments that are under way."""

SUPERSEDED = "Service deployment stopped because a newer service deployment began."  # (unconfirmed) text
DELETED = "Service deployment stopped because the service was deleted."  # (unconfirmed) text


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a deployment is given up."""

    because: str
    """Completes the sentence "Service deployment rolled back because …"."""
    failed: str
    """The deployment's rolloutStateReason where nothing takes its place."""
    rolling_back: str
    """Its rolloutStateReason where `{id}` takes its place."""


BREAKER = Cause(
    "the circuit breaker threshold was exceeded.",
    "ECS deployment circuit breaker: tasks failed to start.",
    "ECS deployment circuit breaker: rolling back to deploymentId {id}.",
)
REQUEST = Cause(  # (unconfirmed) texts
    "of a user request.",
    "ECS deployment stopped by a user request.",
    "ECS deployment stopped by a user request: rolling back to deploymentId {id}.",
)


def begin(context: Context, service: ServiceRow) -> ServiceDeploymentRow:
    """Begin to deploy the service as it is now; what is still under way is stopped where it is."""
    sources = living(context, service)
    served = serving(context, service, sources) or last_completed(context, service)
    deployment = new_deployment(context, service)
    deployment.body = {**deployment.body, "targetGroups": groups_for(service, served)}
    new_revision(context, service, deployment)
    earlier = current(context, service.arn)
    if earlier is not None:
        move(context, earlier, Status.STOPPED, SUPERSEDED)
    number = context.session.scalar(
        select(func.max(ServiceDeploymentRow.sequence)).where(ServiceDeploymentRow.service_arn == service.arn)
    )
    prefix = service.arn.replace(":service/", ":service-deployment/", 1)
    row = ServiceDeploymentRow(
        arn=f"{prefix}/{context.emulator.ids.text21()}",
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        sequence=1 + (number or 0),
        deployment_id=deployment.id,
        status=Status.PENDING,
        source_ids=[row.id for row in sources],
        configuration=service.body["deploymentConfiguration"],
        breaker={},
        alarms={},
        progress={},
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    return row


def current(context: Context, service_arn: str) -> ServiceDeploymentRow | None:
    """The service deployment that is under way."""
    return context.session.scalars(
        select(ServiceDeploymentRow).where(
            ServiceDeploymentRow.service_arn == service_arn, ServiceDeploymentRow.status.in_(RUNNING)
        )
    ).first()


def move(context: Context, row: ServiceDeploymentRow, status: Status, reason: str | None = None) -> None:
    """Set the status with the instant that belongs to it, and journal it."""
    if status not in _NEXT[Status(row.status)]:
        raise ValueError(f"service deployment {row.arn} cannot go from {row.status} to {status}")
    row.status, row.updated_at = status.value, context.now
    row.status_reason = reason or row.status_reason
    match status:
        case Status.IN_PROGRESS:
            row.started_at = context.now
        case Status.STOPPED:
            row.stopped_at = row.finished_at = context.now
        case Status.SUCCESSFUL | Status.ROLLBACK_SUCCESSFUL | Status.ROLLBACK_FAILED:
            row.finished_at = context.now
    detail = {"serviceDeployment": row.arn, "status": status.value, **({"reason": reason} if reason else {})}
    context.record(Kind.STATE_CHANGE, row.service_arn, detail, row.cluster_arn)


def answer(context: Context, service: ServiceRow, row: ServiceDeploymentRow) -> bool:
    """Begin what is pending, and do what was requested; whether that ended the deployment as it was."""
    match row.status:
        case Status.PENDING:
            move(context, row, Status.IN_PROGRESS)
            return False
        case Status.STOP_REQUESTED:
            stall(context, service, row, REQUEST, Status.STOPPED)
            return True
        case Status.ROLLBACK_REQUESTED:
            roll_back(context, service, row, REQUEST)
            return True
        case _:
            return False


def carried_out(context: Context, service: ServiceRow, row: ServiceDeploymentRow | None) -> None:
    """The service has become what the deployment asked for."""
    if row is None:
        return
    learn_digests(context, service, row.deployment_id)
    if row.status == Status.ROLLBACK_IN_PROGRESS:
        move(context, row, Status.ROLLBACK_SUCCESSFUL)
    elif row.status in {Status.PENDING, Status.IN_PROGRESS}:
        move(context, row, Status.SUCCESSFUL)


def early_success(row: ServiceDeploymentRow | None) -> EarlySuccess | None:
    """What makes the deployment successful before the service is stable; None where nothing does, as on the way back."""
    criteria = row.configuration.get("earlySuccessCriteria", {}) if row is not None else {}
    if row is None or not criteria.get("enable") or row.status not in {Status.PENDING, Status.IN_PROGRESS}:
        return None
    return EarlySuccess(criteria["healthyPercent"], criteria["sourceServiceRevisionCleanup"] == "BLOCKING")


def last_completed(context: Context, service: ServiceRow) -> DeploymentRow | None:
    """The deployment to go back to: the newest that was ever completed."""
    row = context.session.scalars(
        select(ServiceDeploymentRow)
        .where(
            ServiceDeploymentRow.service_arn == service.arn,
            ServiceDeploymentRow.status.in_([Status.SUCCESSFUL, Status.ROLLBACK_SUCCESSFUL]),
        )
        .order_by(ServiceDeploymentRow.sequence.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    back = row.rollback if row.status == Status.ROLLBACK_SUCCESSFUL else None
    return context.session.get_one(DeploymentRow, row.deployment_id if back is None else back["deploymentId"])


def serving(context: Context, service: ServiceRow, rows: Sequence[DeploymentRow]) -> DeploymentRow | None:
    """Which of `rows`, the newest first, has the production traffic until a newer deployment takes it over.

    The last completed one; where that has gone, or none ever was completed, the one that has been there the longest.
    """
    completed = last_completed(context, service)
    return next((row for row in rows if completed is not None and row.id == completed.id), rows[-1] if rows else None)


def halted(context: Context, service: ServiceRow, deployments: Sequence[DeploymentRow]) -> bool:
    """Whether a deployment that shifts traffic was stopped on its way: every revision keeps what it has."""
    if len(deployments) == 1 or deployments[0].rollout_state != "FAILED":
        return False
    newest = context.session.scalars(
        select(ServiceDeploymentRow)
        .where(ServiceDeploymentRow.service_arn == service.arn)
        .order_by(ServiceDeploymentRow.sequence.desc())
        .limit(1)
    ).first()
    return shifts_traffic(newest)


def stall(context: Context, service: ServiceRow, row: ServiceDeploymentRow, cause: Cause, status: Status) -> None:
    """The PRIMARY deployment has failed and nothing takes its place: nothing is started any more."""
    fail(context, living(context, service)[0], cause.failed)
    told = "rollback failed" if status is Status.ROLLBACK_FAILED else "stopped"  # (unconfirmed) texts
    move(context, row, status, f"Service deployment {told} because {cause.because}")
    context.wake("services", service.arn)


def roll_back(context: Context, service: ServiceRow, row: ServiceDeploymentRow, cause: Cause) -> None:
    """Go back to the last completed deployment; where there is none, the service stalls (its status is unconfirmed)."""
    primary = living(context, service)[0]
    target = last_completed(context, service)
    if target is None or target.id == primary.id:
        stall(context, service, row, cause, Status.ROLLBACK_FAILED)
        return
    fail(context, primary, cause.rolling_back.format(id=target.id))
    promote(context, service, target, primary)
    restore(context, service, target.id)
    service.unhealthy_streak, service.start_not_before, service.steady = 0, None, False
    reason = f"Service deployment rolled back because {cause.because}"
    move(context, row, Status.ROLLBACK_IN_PROGRESS, reason)
    row.rollback = {"reason": reason, "startedAt": context.now.isoformat(), "deploymentId": target.id}
    if shifts_traffic(row):
        turn_back(context, row)
    row.breaker = {"before": row.breaker, "starts": target.failed_tasks}
    tell(context, service, events.rolling_back(target.id))
    context.wake("services", service.arn)
    if is_managed(service):
        context.wake("ingress", service.arn)  # what was made for it follows


def stop_all(context: Context, service: ServiceRow) -> None:
    """The service drains: what is under way ends."""
    row = current(context, service.arn)
    if row is not None:
        move(context, row, Status.STOPPED, DELETED)


def forget_history(context: Context, service_arn: str) -> None:
    """Deleting a service deletes its service deployments and revisions."""
    for table in (ServiceDeploymentRow, ServiceRevisionRow):
        context.session.execute(delete(table).where(table.service_arn == service_arn))


def target_arn(row: ServiceDeploymentRow) -> str:
    """The revision that is deployed."""
    return revision_arn(row.service_arn, row.deployment_id)


def rollback_document(row: ServiceDeploymentRow) -> dict[str, Any]:
    """`rollback` as DescribeServiceDeployments shows it."""
    if row.rollback is None:
        return {}
    return {
        "rollback": {
            "reason": row.rollback["reason"],
            "startedAt": datetime.fromisoformat(row.rollback["startedAt"]),
            "serviceRevisionArn": revision_arn(row.service_arn, row.rollback["deploymentId"]),
        }
    }
