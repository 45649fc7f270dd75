"""How the stages of an operation follow each other, and what its end leaves in the environment's row."""

from dataclasses import replace

from emulator.beanstalk import managed_plans
from emulator.beanstalk.application_cluster import remove_cluster
from emulator.beanstalk.cnames import release
from emulator.beanstalk.environment_states import Status, move
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.instances import living
from emulator.beanstalk.log_streams import LOOP as LOG_STREAMS
from emulator.beanstalk.operation_documents import Operation, OperationName, Stage, document_of
from emulator.beanstalk.serving import complete
from emulator.beanstalk.update_kinds import decide
from emulator.context import Context
from emulator.state.beanstalk import DeploymentRow, EnvironmentRow
from scheduler.beanstalk.model import OperationKind, Outcome, Progress, Severity

_NEW = {OperationName.CREATE, OperationName.REBUILD, OperationName.RESTORE}


def starting(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """Write an operation down, and tell that it begins."""
    row.operation = document_of(operation)
    row.abortable = False
    started = "Environment update is starting."
    if operation.name is not OperationName.UPDATE:
        started = f"{operation.name.value} is starting."
    tell_environment(context, row, started, request_id=operation.request_id)


def next_stage(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """The present stage is through."""
    if operation.stages[0] is Stage.REMOVE:
        _removed(context, row, operation)
    left = operation.stages[1:]
    progress = None
    if left[0] is Stage.CARRY:
        kind = OperationKind(operation.facts["kind"])
        progress = Progress(kind, operation.deployment, context.now, generation=row.generation)
    if left[0] is Stage.MAKE:
        row.resources = {"incarnation": row.resources.get("incarnation", 0) + 1, "current_generation": row.generation}
    row.operation = document_of(replace(operation, stages=left, done=(), progress=progress))


def _removed(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    remove_cluster(context, row)
    row.endpoint_url = None
    row.deployment = 0
    if operation.name is OperationName.TERMINATE:
        message = f"Deleting SNS topic for environment {row.name}."
        tell_environment(context, row, message, request_id=operation.request_id)


def read(context: Context, row: EnvironmentRow, operation: Operation, found: DeploymentRow) -> None:
    """The version's bundle has been read: the option settings in it are known, or it cannot be read."""
    if found.status == "Failed":
        cannot_make(context, row, operation)
        return
    known = operation.name is not OperationName.UPDATE or operation.stages[1] is Stage.MAKE
    next_stage(context, row, operation if known else decide(row, operation))


def cannot_make(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """What must be there first cannot be had: the operation ends with that."""
    text = "Failed to launch environment." if operation.name in _NEW else "Failed to deploy application."
    tell_environment(context, row, text, Severity.ERROR, operation.request_id)
    found = context.session.get(DeploymentRow, (row.id, operation.deployment))
    if found is not None:
        _note_end(context, operation, found, Outcome.FAILED)
    _settle_draft(row, taken=False)
    failed = replace(operation, stages=(Stage.END,), done=(), progress=None, facts={**operation.facts, "failed": True})
    row.operation = document_of(failed)


def carried(context: Context, row: EnvironmentRow, operation: Operation, outcome: Outcome) -> Operation:
    """The policy is through. What succeeded is what instances get from now on."""
    succeeded = outcome is Outcome.SUCCEEDED
    found = context.session.get(DeploymentRow, (row.id, operation.deployment))
    if found is not None:
        _note_end(context, operation, found, outcome)
    launched = operation.facts["kind"] == OperationKind.LAUNCH
    if found is not None and (succeeded or launched):
        row.version_label = found.version_label
    if succeeded:
        row.deployment = operation.deployment
        row.resources = {**row.resources, "current_generation": row.generation}
    else:
        row.generation = row.resources.get("current_generation", row.generation)
    returns = not succeeded and not launched and row.draft is not None
    _settle_draft(row, taken=succeeded or launched)  # what was launched was launched with them
    if succeeded and launched and operation.name is OperationName.UPDATE:
        message = "Environment update completed successfully."
        tell_environment(context, row, message, request_id=operation.request_id)
    return replace(
        operation,
        stages=(Stage.ADJUST, Stage.END) if returns else operation.stages[1:],
        done=(),
        progress=None,
        facts={**operation.facts, "outcome": outcome.value},
    )


def _note_end(context: Context, operation: Operation, found: DeploymentRow, outcome: Outcome) -> None:
    """How a deployment ended, for who asks later why."""
    ended = {
        "outcome": outcome.value,
        "at": context.now.isoformat(),
        "request_id": operation.request_id,
        "waits_for": operation.waits_for,
    }
    found.outcome = {**found.outcome, "ended": ended}


def _settle_draft(row: EnvironmentRow, *, taken: bool) -> None:
    draft = row.draft
    if draft is None or draft["status"] != "pending":
        return
    if taken:
        row.settings, row.bundle_settings = draft["settings"], draft["bundle_settings"]
        row.platform_arn, row.draft = draft["platform_arn"], None
    else:
        row.draft = {**draft, "status": "failed"}


def end(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """The operation is over."""
    if operation.name is OperationName.TERMINATE:
        row.terminated_at = context.now
        release(context, row)
        message = "terminateEnvironment completed successfully."
        tell_environment(context, row, message, request_id=operation.request_id)
        move(context, row, Status.TERMINATED)
    else:
        if operation.facts.get("in_place"):
            _tell_configured(context, row, operation)
            _settle_draft(row, taken=True)
        if operation.name is OperationName.TAG:
            message = f"{operation.name.value} completed successfully."
            tell_environment(context, row, message, request_id=operation.request_id)
        complete(context, row, living(context, row.id))
        move(context, row, Status.READY)
    row.operation, row.abortable = None, False
    context.wake(LOG_STREAMS, row.id)
    managed_plans.ended(context, row, operation)


def _tell_configured(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    for message in (
        "Successfully deployed new configuration to environment.",
        "Environment update completed successfully.",
    ):
        tell_environment(context, row, message, request_id=operation.request_id)


def look_at_addresses(context: Context, row: EnvironmentRow) -> None:
    """Note where the environment answers, as soon as that is known."""
    del context
    balancer = row.resources.get("balancer")
    address = row.resources.get("address")
    row.endpoint_url = balancer["dns_name"] if balancer else address
