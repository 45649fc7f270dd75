"""Managed actions of an environment: what its settings ask for, and what became of one that was begun."""

from datetime import datetime

from sqlalchemy import select

from emulator.beanstalk.environment_states import subject
from emulator.beanstalk.operation_documents import Operation, OperationName
from emulator.beanstalk.option_values import values_of
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import EnvironmentRow, EventRow, ManagedActionRow
from scheduler.beanstalk.managed_windows import Plan, weekly_start
from scheduler.beanstalk.model import Outcome, Severity

LOOP = "managed-actions"
SCHEDULED, PENDING, RUNNING = "Scheduled", "Pending", "Running"
COMPLETED, FAILED = "Completed", "Failed"
LIVING = (SCHEDULED, PENDING, RUNNING)
PAST = (COMPLETED, FAILED)

_MANAGED = "aws:elasticbeanstalk:managedactions"
_UPDATES = f"{_MANAGED}:platformupdate"
_FAILURES = {
    Outcome.ROLLED_BACK: "RollbackSuccessful",
    Outcome.ABORTED: "UpdateCancelled",
    Outcome.FAILED: "InternalFailure",
    Outcome.TIMED_OUT: "InternalFailure",
}


def plan_of(row: EnvironmentRow) -> Plan | None:
    """What the settings ask for; None: nothing, they do not say when, or health is not the enhanced one, by which updates go."""
    values = values_of(row.bundle_settings, row.settings)
    start = weekly_start(values.get(_MANAGED, "PreferredStartTime"))
    if start is None or not values.enhanced or not values.is_true(_MANAGED, "ManagedActionsEnabled"):
        return None
    return Plan(
        start=start,
        minor=values.get(_UPDATES, "UpdateLevel") == "minor",
        refresh=values.is_true(_UPDATES, "InstanceRefreshEnabled"),
    )


def actions_of(context: Context, row: EnvironmentRow, statuses: tuple[str, ...]) -> list[ManagedActionRow]:
    """The environment's actions in these states, by their windows."""
    query = select(ManagedActionRow).where(
        ManagedActionRow.environment_id == row.id, ManagedActionRow.status.in_(statuses)
    )
    return list(context.session.scalars(query.order_by(ManagedActionRow.window_start, ManagedActionRow.id)))


def last_window(context: Context, row: EnvironmentRow) -> datetime | None:
    """The start of the last window that had an action; one that was applied before its window has not used it."""
    past = actions_of(context, row, PAST)
    starts = [one.window_start for one in past if one.executed_at is None or one.executed_at >= one.window_start]
    return starts[-1] if starts else None


def ended(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """An operation of the environment is over: it may have been an action, and the settings may ask for something else now."""
    context.wake(LOOP, row.id)
    action_id = operation.facts.get("managed")
    action = context.session.get(ManagedActionRow, action_id) if action_id else None
    if action is None:
        return
    outcome = Outcome(operation.facts.get("outcome", Outcome.FAILED))
    if operation.name is OperationName.UPDATE and outcome is Outcome.SUCCEEDED:
        finish(context, row, action, None, None)
    else:
        finish(context, row, action, _FAILURES[outcome], _last_error(context, operation))


def finish(
    context: Context, row: EnvironmentRow, action: ManagedActionRow, failure_type: str | None, failure: str | None
) -> None:
    """The action belongs to the history."""
    action.status = COMPLETED if failure_type is None else FAILED
    action.finished_at = context.now
    action.failure_type, action.failure = failure_type, failure
    context.record(Kind.STATE_CHANGE, subject(row), {"managed_action": action.id, "status": action.status})


def _last_error(context: Context, operation: Operation) -> str | None:
    query = select(EventRow.message).where(
        EventRow.request_id == operation.request_id, EventRow.severity == Severity.ERROR.value
    )
    return context.session.scalar(query.order_by(EventRow.number.desc()).limit(1))
