"""What an environment does and waits for, why its health is what it is, and why its last deployment went as it did, in words.

For `ashore explain ENVIRONMENT`. Looks only; decides nothing.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from emulator.beanstalk.environment_links import awaited
from emulator.beanstalk.environment_loop import STEPS
from emulator.beanstalk.fleet_view import SAMPLE
from emulator.beanstalk.instances import living
from emulator.beanstalk.operation_documents import Operation, Stage, operation_of
from emulator.beanstalk.option_values import deployment_settings, values_of
from emulator.beanstalk.resources.facts import facts_of
from emulator.beanstalk.serving import serving_of
from emulator.beanstalk.worker_explanations import explain_worker
from emulator.context import Context
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow, EventRow
from scheduler.beanstalk.health_model import HealthStatus
from scheduler.beanstalk.model import Command, OperationKind, Outcome, Progress

_WELL = {HealthStatus.OK.value, HealthStatus.INFO.value}
_TOLD = 5
"""Of the events that say why a deployment failed, the last ones."""
_ENDS = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed; what was done stays done",
    Outcome.ROLLED_BACK: "failed, and was rolled back",
    Outcome.ABORTED: "was aborted",
    Outcome.TIMED_OUT: "failed: commands did not end in time",
}


def explain_environment(context: Context, row: EnvironmentRow) -> list[str]:
    """One line for everything there is to say."""
    operation = operation_of(row.operation)
    lines = [f"Environment {row.name} ({row.id}) of application {row.application} is {row.status}."]
    if operation is None:
        lines.append("Nothing is being done with it: it waits for nothing.")
    else:
        lines.append(f"{operation.name.value} (request {operation.request_id}) is under way.")
        lines += [f"  {line}" for line in _of_stage(context, row, operation)]
    instances = living(context, row.id)
    lines += explain_worker(context, row)
    lines += _of_health(row, instances)
    lines += [_of_instance(context, row, item) for item in instances]
    return [*lines, *_of_last_deployment(context, row, operation)]


def _of_stage(context: Context, row: EnvironmentRow, operation: Operation) -> Iterator[str]:
    stage = operation.stages[0]
    match stage:
        case Stage.LINK:
            names = awaited(context, row)
            yield f"It waits until the environments that it links to are at rest: {', '.join(names)}."
        case Stage.READ:
            version = _version(context, row, operation.deployment)
            yield f"It waits for the bundle of {version} to be read: it may hold option settings."
        case Stage.CARRY if operation.progress is not None:
            yield from _of_carrying(context, row, operation, operation.progress)
        case Stage.END:
            yield "All is done; it is about to end."
        case _:
            yield from _of_steps(context, row, operation, stage)


def _of_steps(context: Context, row: EnvironmentRow, operation: Operation, stage: Stage) -> Iterator[str]:
    word = {Stage.MAKE: "made", Stage.ADJUST: "adjusted", Stage.TAG: "tagged", Stage.REMOVE: "removed"}[stage]
    facts = facts_of(row)
    left = [step.name for step in STEPS[stage] if step.name not in operation.done and step.wanted(facts)]
    yield f"Resources are being {word}; done: {', '.join(operation.done) or 'nothing yet'}; left: {', '.join(left) or 'nothing'}."
    ids = [item.id for item in living(context, row.id)]
    if stage is Stage.REMOVE and ids:
        yield f"It waits until these instances are gone: {', '.join(ids)}."


def _of_carrying(context: Context, row: EnvironmentRow, operation: Operation, progress: Progress) -> Iterator[str]:
    found = context.session.get(DeploymentRow, (row.id, operation.deployment))
    how = progress.kind.value
    if progress.kind is OperationKind.DEPLOY and found is not None:
        settings = deployment_settings(values_of(found.settings), worker=row.tier["Name"] == "Worker")
        how = f"{how}, policy {settings.policy.value}"
    batch = (
        f", batch {min(progress.batch + 1, len(progress.batches))} of {len(progress.batches)}"
        if progress.batches
        else ""
    )
    since = progress.stage_since or progress.started_at
    where = f"stage {progress.stage}{batch}, since {_at(since)}"
    yield f"Instances carry out {_version(context, row, operation.deployment)} ({how}): {where}."
    if found is not None and found.status in {"Reading", "Preparing"}:
        yield "The version is still being prepared: its image is built, or pulled."
    if progress.aborting:
        yield "It is being aborted."
    yield f"It waits for {operation.waits_for or 'nothing: the next step is about to be taken'}."


def _version(context: Context, row: EnvironmentRow, number: int) -> str:
    found = context.session.get(DeploymentRow, (row.id, number))
    label = SAMPLE if found is None or found.version_label is None else found.version_label
    return f"deployment {number} (version {label})"


def _of_health(row: EnvironmentRow, instances: list[BeanstalkInstanceRow]) -> Iterator[str]:
    color, status = row.health.get("color", "Grey"), row.health.get("status")
    causes = row.health.get("causes") or []
    shown = f"{status} ({color})" if status else color
    if causes:
        yield f"Health is {shown} because:"
        yield from (f"  {cause}" for cause in causes)
    else:
        yield f"Health is {shown}; no cause is known."
    for item in instances:
        if item.health.get("status") not in {*_WELL, None}:
            yield f"  {item.id} is {item.health['status']}: {' '.join(item.health.get('causes') or ['no cause is known.'])}"


def _of_instance(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> str:
    runs = f"runs version {item.version_label}" if item.version_label else "runs no version of the user's"
    doing = f"its part in deployment {item.deployment} is {item.command}"
    if item.command == Command.NONE:
        doing = "it was told no deployment yet"
    elif item.command == Command.RUNNING and item.command_since is not None:
        doing += f" since {_at(item.command_since)}"
    elif item.output:
        doing += f" ({item.output})"
    leaves = "; it drains, then it is terminated" if item.leaving else ""
    served = f"{serving_of(context, row, item).value}, {item.healthy_checks} good checks in a row"
    return f"Instance {item.id} {runs}; {doing}; at the load balancer: {served}{leaves}."


def _of_last_deployment(context: Context, row: EnvironmentRow, operation: Operation | None) -> Iterator[str]:
    """The newest that has ended."""
    query = select(DeploymentRow).where(DeploymentRow.environment_id == row.id).order_by(DeploymentRow.number.desc())
    going = operation.deployment if operation is not None else 0
    found = next(
        (one for one in context.session.scalars(query) if one.number != going and one.outcome.get("ended")), None
    )
    if found is None:
        return
    ended = found.outcome["ended"]
    how = _ENDS[Outcome(ended["outcome"])]
    yield f"The last deployment, {_version(context, row, found.number)}, {how}, at {_at(datetime.fromisoformat(ended['at']))}."
    if found.failure:
        yield f"  It could not be prepared: {found.failure}"
    if ended["outcome"] != Outcome.SUCCEEDED:
        if ended["waits_for"]:
            yield f"  The last that it waited for: {ended['waits_for']}."
        yield from (
            f"  {one.at:%H:%M:%S} {one.severity} {one.message}" for one in _troubles(context, row, ended["request_id"])
        )


def _troubles(context: Context, row: EnvironmentRow, request_id: str) -> list[EventRow]:
    query = select(EventRow).where(
        EventRow.environment_id == row.id,
        EventRow.request_id == request_id,
        EventRow.severity.in_(("WARN", "ERROR", "FATAL")),
    )
    newest = list(context.session.scalars(query.order_by(EventRow.at.desc()).limit(_TOLD)))
    return newest[::-1]


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
