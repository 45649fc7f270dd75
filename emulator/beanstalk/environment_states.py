"""The states of an environment, and the only place that assigns them."""

from enum import StrEnum

from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import EnvironmentRow


class Status(StrEnum):
    """As DescribeEnvironments shows it."""

    LAUNCHING = "Launching"
    UPDATING = "Updating"
    READY = "Ready"
    ABORTING = "Aborting"
    LINKING_FROM = "LinkingFrom"
    LINKING_TO = "LinkingTo"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"


_NEXT: dict[Status, frozenset[Status]] = {
    Status.LAUNCHING: frozenset({Status.READY, Status.TERMINATING}),
    Status.UPDATING: frozenset({Status.READY, Status.ABORTING, Status.TERMINATING, Status.LAUNCHING}),
    Status.READY: frozenset({Status.UPDATING, Status.LINKING_FROM, Status.LINKING_TO, Status.TERMINATING}),
    Status.ABORTING: frozenset({Status.READY, Status.TERMINATING}),
    Status.LINKING_FROM: frozenset({Status.READY, Status.TERMINATING}),
    Status.LINKING_TO: frozenset({Status.READY, Status.TERMINATING}),
    Status.TERMINATING: frozenset({Status.TERMINATED}),
    Status.TERMINATED: frozenset({Status.LAUNCHING}),
}


def move(context: Context, row: EnvironmentRow, status: Status) -> None:
    """Give an environment another state.

    Raises:
        ValueError: there is no way there; that is our bug.

    """
    if status == row.status:
        return
    if status not in _NEXT[Status(row.status)]:
        raise ValueError(f"environment {row.id}: {row.status} → {status}")
    row.status = status.value
    row.updated_at = context.now
    context.record(Kind.STATE_CHANGE, subject(row), {"status": row.status, "name": row.name})


def subject(row: EnvironmentRow) -> str:
    """What the journal calls an environment."""
    return f"elasticbeanstalk:environment/{row.id}"
