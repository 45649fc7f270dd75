"""What an instance does about the deployment that it was told: the old application stops, the new one starts, and is looked at.

The application is one ECS task, started as StartTask does. After a crash the rows say how far it has come.
"""

from datetime import timedelta

from emulator.beanstalk.application_cluster import cluster_of, ecs_context, runs_on_ecs
from emulator.beanstalk.bundles.plan import Mode
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.log_streams import LOOP as LOG_STREAMS
from emulator.beanstalk.operation_documents import OperationName, operation_of
from emulator.beanstalk.options.model import Trait
from emulator.beanstalk.platforms import trait_of
from emulator.beanstalk.serving import register, serving_of
from emulator.context import Context
from emulator.ecs.demand import demand_of
from emulator.ecs.launch import LaunchRequest, new_task
from emulator.ecs.names import STARTED_BY_ENVIRONMENT
from emulator.ecs.task_states import StopCode, request_stop
from emulator.journal import Kind
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow, TaskDefinitionRow, TaskRow
from scheduler.beanstalk.model import Command, Serving, Severity

_LASTS = timedelta(seconds=3)
"""For so long an application must run before its deployment has succeeded: one that exits at once has not (unconfirmed)."""
_LASTS_ON_ENGINE = timedelta(seconds=1)
"""… and for at least so long in real time where its processes are real: they start no faster because the clock is fast."""
_ENDED = "Instance deployment: The Docker container unexpectedly ended after it was started."
"""Seen in event logs of the Docker platform of today."""
_FIRST_AGAIN, _LAST_AGAIN = timedelta(seconds=1), timedelta(minutes=1)
"""How long an application that ended by itself rests before it is started again (unconfirmed: systemd's settings are not told)."""


def begin(context: Context, item: BeanstalkInstanceRow, deployment: int) -> None:
    """Tell an instance to carry a deployment out; telling it again changes nothing."""
    if item.deployment == deployment and item.command != Command.NONE:
        return
    item.deployment, item.command, item.output = deployment, Command.RUNNING.value, ""
    item.command_since, item.command_ended = context.now, None
    item.healthy_checks = item.failed_checks = 0
    context.record(Kind.STATE_CHANGE, _subject(item), {"deployment": deployment, "command": item.command})


def recall(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> None:
    """Have an instance be as before it was told a deployment that it has not begun: its task tells what it runs."""
    task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
    begun = task is not None and task.started_by == _mark(row, item)
    if item.command != Command.RUNNING or begun:
        return
    if task is None:
        item.deployment, item.command, item.command_since = 0, Command.NONE.value, None
        return
    item.deployment = int((task.started_by or "").rpartition("/")[2])
    ended = task.last_status == "STOPPED" and item.deployment != row.deployment
    item.command = (Command.FAILED if ended else Command.SUCCEEDED).value
    item.command_since = item.command_ended = task.started_at or context.now
    context.record(Kind.STATE_CHANGE, _subject(item), {"deployment": item.deployment, "command": item.command})


def advance(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> timedelta | None:
    """One step of an instance; when time alone may change something."""
    found = context.session.get(DeploymentRow, (row.id, item.deployment))
    if found is None or item.leaving or found.status == "Preparing":
        return None
    task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
    if item.command != Command.RUNNING:
        return _keep(context, row, item, found, task)
    if found.status == "Failed":
        _end(context, item, Command.FAILED, "Engine execution has encountered an error.")
    elif task is not None and task.started_by == _mark(row, item):
        return _watch(context, row, item, found, task)
    elif task is not None and task.last_status != "STOPPED":
        request_stop(ecs_context(context, row), task, StopCode.USER_INITIATED, "A new deployment takes its place.")
    else:
        _start(context, row, item, found)
    return None


def _watch(
    context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, found: DeploymentRow, task: TaskRow
) -> timedelta | None:
    if task.last_status == "RUNNING" and task.desired_status == "RUNNING":
        lasted = context.now - (task.started_at or context.now)
        must_last = _must_last(context)
        if lasted < must_last:
            return must_last - lasted
        item.version_label = found.version_label
        item.port = _port(found, task)
        _tell_running(context, row, task)
        _end(context, item, Command.SUCCEEDED, "")
        if (
            row.operation is None and item.deployment == row.deployment
        ):  # Auto Scaling has launched it of its own accord
            tell_environment(context, row, f"Added instance [{item.id}] to your environment.")
        if serving_of(context, row, item) in {Serving.WAITING, Serving.IN_SERVICE}:
            register(context, row, [item])  # its requests are another version's from now on
    elif task.last_status == "STOPPED" or task.desired_status == "STOPPED":
        _tell_failure(context, row, item, found, task)
        _end(context, item, Command.FAILED, _reason(task))
    return None


def _must_last(context: Context) -> timedelta:
    if context.emulator.runtime.kind == "simulated":
        return _LASTS
    return max(_LASTS, _LASTS_ON_ENGINE * context.emulator.clock.rate)


def _keep(
    context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, found: DeploymentRow, task: TaskRow | None
) -> timedelta | None:
    """An application that ended by itself is started again, later each time it does not last."""
    if item.command != Command.SUCCEEDED or task is None or task.last_status != "STOPPED":
        if task is not None and task.last_status == "RUNNING" and item.command == Command.SUCCEEDED:
            item.port = _port(found, task)
        return None
    ended = task.stopped_at or context.now
    lasted = ended - (task.started_at or ended)
    rest = _FIRST_AGAIN if lasted > _LAST_AGAIN else min(_LAST_AGAIN, max(_FIRST_AGAIN, 2 * lasted))
    if ended + rest > context.now:
        return ended + rest - context.now
    _start(context, row, item, found)
    return None


def _start(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, found: DeploymentRow) -> None:
    host = context.session.get(ContainerInstanceRow, item.host_arn)
    if host is None or host.status == "INACTIVE":
        return
    definition = context.session.get_one(TaskDefinitionRow, found.task_definition_arn)
    group = f"family:{definition.family}"
    request = LaunchRequest(
        cluster=cluster_of(context, row),
        task_definition=definition,
        count=1,
        launch_type="EC2",
        group=group,
        started_by=_mark(row, item),
    )
    if runs_on_ecs(row.platform_arn) and item.command == Command.RUNNING:
        _tell(context, row, f"Starting new ECS task with {definition.family}:{definition.revision}.")
    demand = demand_of(definition.body, group, {})
    item.task_arn = new_task(ecs_context(context, row), request, demand, host.arn, host.zone, ()).arn
    item.port = None


def _tell_running(context: Context, row: EnvironmentRow, task: TaskRow) -> None:
    """In the words of the ECS and the Docker platforms; the others say nothing of it."""
    if runs_on_ecs(row.platform_arn):
        _tell(context, row, f"ECS task: {task.arn} is RUNNING.")
    elif trait_of(row.platform_arn) is Trait.DOCKER:
        for document in task.containers:
            if document.get("runtimeId"):
                number = str(document["runtimeId"])[:12]
                _tell(context, row, f"Docker container {number} is running aws_beanstalk/current-app.")


def _tell_failure(
    context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, found: DeploymentRow, task: TaskRow
) -> None:
    """The true cause, in our words, then what AWS's engine says of it (its place among the events is (unconfirmed))."""
    _tell(context, row, f"[Instance: {item.id}] {_reason(task)}", Severity.ERROR)
    single = found.outcome.get("mode") in {Mode.DOCKERFILE, Mode.IMAGE}
    if single and any(document.get("exitCode") is not None for document in task.containers):
        _tell(context, row, _ENDED, Severity.ERROR)


def _tell(context: Context, row: EnvironmentRow, message: str, severity: Severity = Severity.INFO) -> None:
    """Of a restart only what went wrong: AWS tells no more than that it is through."""
    operation = operation_of(row.operation)
    if operation is None or operation.name is not OperationName.RESTART or severity is Severity.ERROR:
        request_id = operation.request_id if operation is not None else None
        tell_environment(context, row, message, severity, request_id)


def _mark(row: EnvironmentRow, item: BeanstalkInstanceRow) -> str:
    return f"{STARTED_BY_ENVIRONMENT}{row.id}/{item.deployment}"


def _port(found: DeploymentRow, task: TaskRow) -> int:
    """The host's port that the container's port has been given; 80 where containers are at the host's ports themselves."""
    if found.port is None:
        return 80
    bindings = [binding for document in task.containers for binding in document.get("networkBindings", [])]
    ports = [binding["hostPort"] for binding in bindings if binding["containerPort"] == found.port]
    return ports[0] if ports else found.port


def _reason(task: TaskRow) -> str:
    """Why a task ended: what its container says, else what the task says."""
    reasons = [document["reason"] for document in task.containers if document.get("reason")]
    codes = [document["exitCode"] for document in task.containers if document.get("exitCode") is not None]
    if reasons:
        return str(reasons[0])
    if codes:
        return f"The application ended with code {codes[0]}."
    return task.stopped_reason or "Engine execution has encountered an error."


def _end(context: Context, item: BeanstalkInstanceRow, command: Command, output: str) -> None:
    item.command, item.command_ended, item.output = command.value, context.now, output
    context.wake(LOG_STREAMS, item.environment_id)
    context.record(Kind.STATE_CHANGE, _subject(item), {"deployment": item.deployment, "command": item.command})


def _subject(item: BeanstalkInstanceRow) -> str:
    return f"elasticbeanstalk:instance/{item.id}"
