"""What makes daemons be looked at again beside their tasks and requests: hosts that come, go or drain."""

from sqlalchemy import select

from emulator.context import Context
from emulator.state.daemons import DaemonRow


def wake_daemons(context: Context, cluster_arn: str) -> None:
    """Have the cluster's daemons look again."""
    daemons = context.session.scalars(select(DaemonRow.arn).where(DaemonRow.cluster_arn == cluster_arn)).all()
    if daemons:
        context.wake("daemons", *daemons)
