"""Spot interruptions of FARGATE_SPOT tasks, which AWS would cause and here somebody asks for.

The notice is the task's state change: it is to stop (`SpotInterruption`), its containers get SIGTERM, and what has not ended
after its stop timeout, two minutes at most, is killed. Services start other tasks at once.
"""

from collections.abc import Sequence

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.task_states import StopCode, request_stop
from emulator.state.ecs import ClusterRow, TaskRow

REASON = "Your Spot Task was interrupted."
_PROVIDER = "FARGATE_SPOT"


def interrupt(context: Context, cluster: ClusterRow, arns: Sequence[str], count: int) -> list[str]:
    """Interrupt the tasks named, or where none is the `count` that were started first; the ARNs of those interrupted."""
    wanted = select(TaskRow).where(
        TaskRow.capacity_provider == _PROVIDER,
        TaskRow.cluster_arn == cluster.arn,
        TaskRow.last_status != "STOPPED",
        TaskRow.desired_status == "RUNNING",
    )
    wanted = wanted.where(TaskRow.arn.in_(arns)) if arns else wanted
    rows = list(context.session.scalars(wanted.order_by(TaskRow.created_at, TaskRow.arn)))
    rows = rows if arns else rows[:count]
    for row in rows:
        request_stop(context, row, StopCode.SPOT_INTERRUPTION, REASON)
    return [row.arn for row in rows]
