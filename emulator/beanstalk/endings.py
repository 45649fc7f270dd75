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
from scheduler.beanstalk.aborting import Abort, Point, abort_at, called_off
from scheduler.beanstalk.model import Command, OperationKind, Outcome, Progress, Severity

_POINTS = {
    Stage.LINK: Point.WAITING,
    Stage.READ: Point.WAITING,
    Stage.ADJUST: Point.ADJUSTING,
    Stage.CARRY: Point.CARRYING,
}
_NEW = {OperationName.CREATE, OperationName.REBUILD, OperationName.RESTORE}


def starting(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """Write an operation down, and tell that it begins."""
    _note(row, operation)
    started = "Environment update is starting."
    if operation.name is not OperationName.UPDATE:
        started = f"{operation.name.value} is starting."
    tell_environment(context, row, started, request_id=operation.request_id)


def _note(row: EnvironmentRow, operation: Operation) -> None:
    row.operation = document_of(operation)
    row.abortable = abort_of(operation) is not None


def abort_of(operation: Operation) -> Abort | None:
    """What an abort of it does now; None: it is none that can be aborted. Of a policy's stages the policy says more."""
    facts, point = operation.facts, _POINTS.get(operation.stages[0], Point.OTHER)
    launches = Stage.MAKE in operation.stages or facts.get("kind") == OperationKind.LAUNCH
    if operation.name is not OperationName.UPDATE or launches or "outcome" in facts:
        point = Point.OTHER
    return abort_at(point)


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
    _note(row, replace(operation, stages=left, done=(), progress=progress))


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
    _note(row, failed)


def abort(context: Context, row: EnvironmentRow, operation: Operation) -> None:
    """Have an update undone, as far as it has come; the caller has seen that `row.abortable`."""
    move(context, row, Status.ABORTING)
    row.abortable = False
    if abort_of(operation) is Abort.BY_POLICY and operation.progress is not None:
        row.operation = document_of(replace(operation, progress=replace(operation.progress, aborting=True)))
        return
    found = context.session.get(DeploymentRow, (row.id, operation.deployment))
    if found is not None:
        _note_end(context, operation, found, Outcome.ABORTED)
        _prepare_no_more(context, found)
    _settle_draft(row, taken=False)
    row.generation = row.resources.get("current_generation", row.generation)
    facts = {**operation.facts, "in_place": False, "called_off": True, "outcome": Outcome.ABORTED.value}
    stages = (Stage.ADJUST, Stage.END) if abort_of(operation) is Abort.ADJUST_BACK else (Stage.END,)
    row.operation = document_of(replace(operation, stages=stages, done=(), progress=None, facts=facts))


def _prepare_no_more(context: Context, found: DeploymentRow) -> None:
    """Nobody needs it any more: unless an instance waits for it, which would never be deployed to."""
    waits = any(
        item.deployment == found.number and item.command == Command.RUNNING and not item.leaving
        for item in living(context, found.environment_id)
    )
    if found.status in {"Reading", "Preparing"} and not waits:
        found.status, found.failure = "Failed", "The update was aborted."


def carried(context: Context, row: EnvironmentRow, operation: Operation, outcome: Outcome) -> Operation:
    """The policy is through. What succeeded is what instances get from now on."""
    succeeded = outcome is Outcome.SUCCEEDED
    found = context.session.get(DeploymentRow, (row.id, operation.deployment))
    if found is not None:
        _note_end(context, operation, found, outcome)
    if found is not None and outcome is Outcome.ABORTED:
        _prepare_no_more(context, found)
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
        if operation.facts.get("called_off"):
            for said in called_off(version=bool(operation.facts.get("version"))):
                tell_environment(context, row, said.message, said.severity, operation.request_id)
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
