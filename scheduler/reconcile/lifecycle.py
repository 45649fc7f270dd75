"""One step of a task's life: from what is known of its containers to what to do next.

Commands may be given again at any time; a container whose command is under way is `busy` and left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.reconcile.dependencies import NOT_STARTED, obstacle, patience, ready


class TaskStatus(StrEnum):
    """`lastStatus`, in order; a task never goes back."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


class Verb(StrEnum):
    """What the runtime is told."""

    PROVISION = "provision"
    RUN = "run"
    STOP = "stop"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `container` is empty for the whole task."""

    verb: Verb
    container: str = ""


@dataclass(frozen=True, slots=True)
class ContainerView:
    """What is known of a container."""

    name: str
    status: str
    """PENDING, RUNNING or STOPPED."""
    essential: bool = True
    busy: bool = False
    """A command for it is under way."""
    failure: str | None = None
    """Why it could not be started (`CannotPullContainerError: …`)."""
    exit_code: int | None = None
    health: str | None = None
    """HEALTHY, UNHEALTHY or UNKNOWN; None where it has no health check."""
    depends_on: tuple[tuple[str, str], ...] = ()
    """(container, START | COMPLETE | SUCCESS | HEALTHY)"""
    start_timeout: float | None = None
    """Seconds after its start for which others wait until it is COMPLETE, SUCCESS or HEALTHY; None or 0: without end."""
    running_for: float | None = None
    """Seconds since its start, where `start_timeout` is counted."""
    never_started: bool = False
    """It is STOPPED and never ran."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """What is known of a task."""

    status: TaskStatus
    stopping: bool
    """Its desired status is STOPPED."""
    containers: tuple[ContainerView, ...]
    needs_network: bool = False
    has_network: bool = False
    busy: bool = False
    """A command for the whole task is under way."""
    network_failure: str | None = None
    removed: bool = False
    draining: bool = False
    """Load balancers still have requests under way to it."""
    tells_failures: bool = False
    """Fargate: the task's own reason tells why a container could not be started."""
    whole: bool = False
    """Every container must start, also what is not essential: `docker compose up` of Elastic Beanstalk is no ECS agent."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A container that never will be started: it is STOPPED at once."""

    container: str
    reason: str
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What to do: first give containers up and stop the task if told so, then go to `status`, then give the commands."""

    status: TaskStatus | None = None
    stop: tuple[str, str] | None = None
    """(stopCode, stoppedReason)"""
    commands: tuple[Command, ...] = field(default=())
    given_up: tuple[GivenUp, ...] = ()
    look_again: float | None = None
    """Seconds after which a container may have waited long enough, if nothing happens before."""


def step(task: TaskView) -> Step:
    """The next step; an empty one where the task is as it should be or something is awaited."""
    if task.status is TaskStatus.STOPPED:
        return Step()
    return _towards_stopped(task) if task.stopping else _towards_running(task)


def _towards_running(task: TaskView) -> Step:
    by_name = {container.name: container for container in task.containers}
    given_up = _given_up(task, by_name)
    stop = _reason_to_stop(task, given_up)
    if stop is not None or given_up:
        return Step(stop=stop, given_up=given_up)
    if task.needs_network and not task.has_network:
        return Step(commands=() if task.busy else (Command(Verb.PROVISION),))
    if task.status is TaskStatus.PROVISIONING:
        return Step(status=TaskStatus.PENDING)
    waiting = [container for container in task.containers if container.status == "PENDING" and not container.busy]
    commands = tuple(Command(Verb.RUN, container.name) for container in waiting if ready(container, by_name))
    look_again = min((left for container in waiting for left in patience(container, by_name)), default=None)
    return Step(TaskStatus.RUNNING if _runs(task) else None, commands=commands, look_again=look_again)


def _runs(task: TaskView) -> bool:
    """Every essential container runs and every other one has at least started."""
    return task.status in {TaskStatus.PENDING, TaskStatus.ACTIVATING} and all(
        container.status == "RUNNING" or (not container.essential and container.status == "STOPPED")
        for container in task.containers
    )


def _reason_to_stop(task: TaskView, given_up: tuple[GivenUp, ...]) -> tuple[str, str] | None:
    """As the ECS agent has it, only what is essential stops a task (on Fargate, too: the API says so of `essential`)."""
    if task.network_failure is not None:
        return "TaskFailedToStart", task.network_failure
    reasons = {gone.container: gone.reason for gone in given_up}
    for container in task.containers:
        failure = container.failure or reasons.get(container.name)
        if failure is not None and (container.essential or (task.whole and container.status == "PENDING")):
            return "TaskFailedToStart", failure if task.tells_failures else "Task failed to start"
        if container.essential and container.status == "STOPPED":
            return "EssentialContainerExited", "Essential container in task exited"
    return None


def _given_up(task: TaskView, by_name: Mapping[str, ContainerView]) -> tuple[GivenUp, ...]:
    """Containers that never will be started: those whose start failed, and those that wait in vain."""
    found = []
    for container in task.containers:
        if container.status != "PENDING" or container.busy:
            continue
        reason = obstacle(container, by_name)
        if container.failure is not None:
            found.append(GivenUp(container.name, container.failure))
        elif reason is not None:
            found.append(GivenUp(container.name, f"CannotStartContainerError: {reason}", NOT_STARTED))
    return tuple(found)


def _towards_stopped(task: TaskView) -> Step:
    if task.busy or any(container.busy and container.status == "PENDING" for container in task.containers):
        return Step()  # what is being started must come to its result first, or it would be left behind
    running = [container for container in task.containers if container.status == "RUNNING"]
    if running and task.draining:
        return Step(status=_later(task, TaskStatus.DEACTIVATING))
    if running:
        needed = {name for container in running for name, _ in container.depends_on}
        commands = tuple(
            Command(Verb.STOP, container.name)
            for container in running
            if not container.busy and container.name not in needed
        )
        return Step(status=_later(task, TaskStatus.STOPPING), commands=commands)
    if not task.removed:
        # only a network interface is deprovisioned
        ending = TaskStatus.DEPROVISIONING if task.needs_network else TaskStatus.STOPPING
        return Step(status=_later(task, ending), commands=(Command(Verb.REMOVE),))
    return Step(status=TaskStatus.STOPPED)


def _later(task: TaskView, status: TaskStatus) -> TaskStatus | None:
    order = list(TaskStatus)
    return status if order.index(task.status) < order.index(status) else None


def task_health(containers: tuple[ContainerView, ...]) -> str:
    """UNHEALTHY if any essential container is; else UNKNOWN if any is or none is checked; else HEALTHY."""
    found = {container.health for container in containers if container.essential and container.health is not None}
    if "UNHEALTHY" in found:
        return "UNHEALTHY"
    return "HEALTHY" if found == {"HEALTHY"} else "UNKNOWN"
