"""Deployments of a service: the newest is PRIMARY, older ones are ACTIVE until their last task has gone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from emulator.context import Context
from emulator.journal import Kind
from emulator.state.ecs import DeploymentRow, ServiceEventRow, ServiceRow

_RESOLVED_PLATFORM = "1.4.0"
"""What the platform version LATEST of Linux stands for."""

_LIVING = (
    select(DeploymentRow)
    .where(DeploymentRow.service_arn.in_(bindparam("arns", expanding=True)), DeploymentRow.status != "INACTIVE")
    .order_by(DeploymentRow.created_at.desc())
)


def new_deployment(context: Context, service: ServiceRow) -> DeploymentRow:
    """Begin a deployment of the service as it is now; the PRIMARY one, if any, becomes an ACTIVE one that shrinks."""
    for earlier in living(context, service):
        if earlier.status == "PRIMARY":
            earlier.status, earlier.updated_at, earlier.desired_count = "ACTIVE", context.now, 0
    deployment_id = f"ecs-svc/{context.emulator.ids.digits19()}"
    row = DeploymentRow(
        id=deployment_id,
        service_arn=service.arn,
        status="PRIMARY",
        desired_count=service.desired_count,
        task_definition_arn=service.task_definition_arn,
        body=_body(service),
        rollout_state="IN_PROGRESS",
        rollout_state_reason=f"ECS deployment {deployment_id} in progress.",
        failed_tasks=0,
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    _record(context, row, {"rolloutState": "IN_PROGRESS"})
    return row


def _body(service: ServiceRow) -> dict[str, Any]:
    shown = ("networkConfiguration", "platformVersion", "platformFamily", "serviceConnectConfiguration")
    body = {member: service.body[member] for member in shown if member in service.body}
    if body.get("platformVersion") == "LATEST":
        body["platformVersion"] = _RESOLVED_PLATFORM
    strategy = service.body.get("capacityProviderStrategy")
    compute = {"capacityProviderStrategy": strategy} if strategy else {"launchType": service.launch_type}
    return {**compute, **body}


def living(context: Context, service: ServiceRow) -> list[DeploymentRow]:
    """PRIMARY first, then older ones."""
    return living_of(context, [service.arn]).get(service.arn, [])


def living_of(context: Context, service_arns: Sequence[str]) -> dict[str, list[DeploymentRow]]:
    """The living deployments of each service, by one query."""
    found: dict[str, list[DeploymentRow]] = {}
    for row in context.session.scalars(_LIVING, {"arns": list(service_arns)}):
        found.setdefault(row.service_arn, []).append(row)
    return {arn: sorted(rows, key=lambda row: row.status != "PRIMARY") for arn, rows in found.items()}


def resize(context: Context, service: ServiceRow) -> None:
    """A changed desired count is the PRIMARY deployment's, without a new one."""
    primary = next(iter(living(context, service)), None)
    if primary is not None and primary.desired_count != service.desired_count:
        primary.desired_count, primary.updated_at = service.desired_count, context.now


def complete(context: Context, row: DeploymentRow) -> None:
    """The deployment has reached what it wanted."""
    row.rollout_state, row.updated_at = "COMPLETED", context.now
    row.rollout_state_reason = f"ECS deployment {row.id} completed."
    _record(context, row, {"rolloutState": "COMPLETED"})


def fail(context: Context, row: DeploymentRow, reason: str) -> None:
    """The deployment will not reach what it wanted."""
    row.rollout_state, row.rollout_state_reason, row.updated_at = "FAILED", reason, context.now
    _record(context, row, {"rolloutState": "FAILED", "reason": reason})


def promote(context: Context, service: ServiceRow, row: DeploymentRow, earlier: DeploymentRow) -> None:
    """Make an older deployment the PRIMARY one again, in place of `earlier`, which shrinks."""
    earlier.status, earlier.desired_count, earlier.updated_at = "ACTIVE", 0, context.now
    row.status, row.desired_count, row.updated_at = "PRIMARY", service.desired_count, context.now
    row.rollout_state, row.rollout_state_reason = "IN_PROGRESS", f"ECS deployment {row.id} in progress."
    _record(context, row, {"status": "PRIMARY", "rolloutState": "IN_PROGRESS"})


def retire(context: Context, row: DeploymentRow) -> None:
    """The last task of an older deployment has gone."""
    row.status, row.updated_at = "INACTIVE", context.now
    _record(context, row, {"status": "INACTIVE"})


def forget(context: Context, service_arn: str) -> None:
    """Delete what an INACTIVE service left, so that another may have its name."""
    context.session.execute(delete(DeploymentRow).where(DeploymentRow.service_arn == service_arn))
    context.session.execute(delete(ServiceEventRow).where(ServiceEventRow.service_arn == service_arn))


def _record(context: Context, row: DeploymentRow, detail: dict[str, str]) -> None:
    context.record(Kind.STATE_CHANGE, row.service_arn, {"deployment": row.id, **detail})
