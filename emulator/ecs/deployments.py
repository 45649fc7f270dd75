"""Deployments of a service: the newest is PRIMARY, older ones are ACTIVE until their last task has gone."""

from sqlalchemy import select

from emulator.context import Context
from emulator.journal import Kind
from emulator.state.ecs import DeploymentRow, ServiceRow


def new_deployment(context: Context, service: ServiceRow) -> DeploymentRow:
    """Begin a deployment of the service as it is now."""
    deployment_id = f"ecs-svc/{context.emulator.ids.digits19()}"
    shown = ("networkConfiguration", "platformVersion", "platformFamily")
    row = DeploymentRow(
        id=deployment_id,
        service_arn=service.arn,
        status="PRIMARY",
        desired_count=service.desired_count,
        task_definition_arn=service.task_definition_arn,
        body={
            "launchType": service.launch_type,
            **{member: service.body[member] for member in shown if member in service.body},
        },
        rollout_state="IN_PROGRESS",
        rollout_state_reason=f"ECS deployment {deployment_id} in progress.",
        failed_tasks=0,
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, service.arn, {"deployment": row.id, "rolloutState": "IN_PROGRESS"})
    return row


def supersede(context: Context, service: ServiceRow) -> None:
    """Make the present PRIMARY an ACTIVE one that shrinks."""
    for row in living(context, service):
        if row.status == "PRIMARY":
            row.status, row.updated_at, row.desired_count = "ACTIVE", context.now, 0


def living(context: Context, service: ServiceRow) -> list[DeploymentRow]:
    """PRIMARY first, then older ones."""
    rows = context.session.scalars(
        select(DeploymentRow)
        .where(DeploymentRow.service_arn == service.arn, DeploymentRow.status != "INACTIVE")
        .order_by(DeploymentRow.created_at.desc())
    ).all()
    return sorted(rows, key=lambda row: row.status != "PRIMARY")


def complete(context: Context, row: DeploymentRow) -> None:
    """The deployment has reached what it wanted."""
    row.rollout_state, row.updated_at = "COMPLETED", context.now
    row.rollout_state_reason = f"ECS deployment {row.id} completed."
    context.record(Kind.STATE_CHANGE, row.service_arn, {"deployment": row.id, "rolloutState": "COMPLETED"})


def retire(context: Context, row: DeploymentRow) -> None:
    """The last task of an older deployment has gone."""
    row.status, row.updated_at = "INACTIVE", context.now
    context.record(Kind.STATE_CHANGE, row.service_arn, {"deployment": row.id, "status": "INACTIVE"})
