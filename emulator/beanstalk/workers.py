"""An environment of the worker tier as its daemon sees it: queue, options, and the applications that can take messages."""

from dataclasses import dataclass

from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.instances import living
from emulator.beanstalk.option_values import SQSD, Values, values_of
from emulator.beanstalk.resources.queues import DEAD_LETTERS, QUEUE, queue_of
from emulator.context import Context
from emulator.neighbours.environment_ports import Place
from emulator.neighbours.worker_ports import Queue
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from scheduler.beanstalk.model import Command
from scheduler.beanstalk.worker_messages import WorkerSettings


@dataclass(frozen=True, slots=True)
class Target:
    """An application that can take messages."""

    instance_id: str
    host: str
    port: int
    proxied: bool
    """The instance's proxy stands before it: where nothing listens it answers 502."""
    image: str
    """On the simulated runtime its script says what it answers."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The environment."""

    id: str
    place: Place
    queue: Queue
    settings: WorkerSettings
    targets: tuple[Target, ...]


def is_worker(row: EnvironmentRow) -> bool:
    """Whether an environment is of the worker tier."""
    return bool(row.tier["Name"] == "Worker")


def worker_of(context: Context, row: EnvironmentRow) -> Worker | None:
    """None: it is none, has no queue yet, or is being terminated."""
    queue = queues_of(row).get(QUEUE)
    if not is_worker(row) or queue is None or row.status in {Status.TERMINATING, Status.TERMINATED}:
        return None
    targets = (_target(context, row, item) for item in living(context, row.id))
    return Worker(
        id=row.id,
        place=Place(row.account, row.region),
        queue=queue,
        settings=_settings(values_of(row.bundle_settings, row.settings)),
        targets=tuple(target for target in targets if target is not None),
    )


def queues_of(row: EnvironmentRow) -> dict[str, Queue]:
    """Logical name → queue."""
    known = row.resources.get("queues") or {}
    place = Place(row.account, row.region)
    return {name: queue_of(known[name], place) for name in (QUEUE, DEAD_LETTERS) if name in known}


def _settings(values: Values) -> WorkerSettings:
    default = WorkerSettings()
    return WorkerSettings(
        path=values.get(SQSD, "HttpPath", default.path),
        mime_type=values.get(SQSD, "MimeType", default.mime_type),
        connections=values.number(SQSD, "HttpConnections", default.connections),
        connect_timeout=values.number(SQSD, "ConnectTimeout", default.connect_timeout),
        inactivity_timeout=values.number(SQSD, "InactivityTimeout", default.inactivity_timeout),
        visibility_timeout=values.number(SQSD, "VisibilityTimeout", default.visibility_timeout),
        error_visibility_timeout=values.number(SQSD, "ErrorVisibilityTimeout", default.error_visibility_timeout),
        retention=values.number(SQSD, "RetentionPeriod", default.retention),
        max_retries=values.number(SQSD, "MaxRetries", default.max_retries),
    )


def _target(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> Target | None:
    """Where an instance takes messages; not while a deployment is carried out on it (unconfirmed)."""
    task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
    host = context.session.get(ContainerInstanceRow, item.host_arn)
    if item.leaving or item.command != Command.SUCCEEDED or item.port is None or task is None or host is None:
        return None
    if task.last_status != "RUNNING" or task.desired_status != "RUNNING":
        return None
    found = context.session.get(DeploymentRow, (row.id, item.deployment))
    published = (
        container
        for container in task.containers
        if any(binding["hostPort"] == item.port for binding in container.get("networkBindings", []))
    )
    container = next(published, task.containers[0])
    proxied = found is not None and found.port is not None
    return Target(item.id, host.address, item.port, proxied, str(container.get("image", "")))
