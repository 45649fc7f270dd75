"""New services as rows."""

from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs.deployments import forget
from emulator.journal import Kind
from emulator.state.ecs import ServiceRow


def put_service(context: Context, row: ServiceRow) -> None:
    """Add a new service; what is left of an INACTIVE one of its name is forgotten."""
    earlier = context.session.get(ServiceRow, row.arn)
    if earlier is not None:
        forget(context, earlier.arn)
        rollouts.forget_history(context, earlier.arn)
        context.session.delete(earlier)
        context.session.flush()
    context.session.add(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, row.arn, {"status": "ACTIVE", "desiredCount": row.desired_count}, row.cluster_arn)
    context.wake("services", row.arn)
    context.wake("minute", f"{context.account}/{context.region}")
