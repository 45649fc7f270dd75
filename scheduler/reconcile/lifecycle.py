"""One step of a task's life: from what is known of its containers to what to do next.

Commands may be given again at any time; a container whose command is under way is `busy` and left alone.
"""

from dataclasses import dataclass, field
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Step:
    """What to do: first stop the task if told so, then go to `status`, then give the commands."""

    status: TaskStatus | None = None
    stop: tuple[str, str] | None = None
    """(stopCode, stoppedReason)"""
    commands: tuple[Command, ...] = field(default=())
    unmet: tuple[tuple[str, str], ...] = ()
    """(container that never can be started, its reason)"""


def step(task: TaskView) -> Step:
    """The next step; an empty one where the task is as it should be or something is awaited."""
    if task.status is TaskStatus.STOPPED:
        return Step()
    return _towards_stopped(task) if task.stopping else _towards_running(task)


def _towards_running(task: TaskView) -> Step:
    stop = _reason_to_stop(task)
    if stop is not None:
        return Step(stop=stop, unmet=_unmet(task))
    if task.needs_network and not task.has_network:
        return Step(commands=() if task.busy else (Command(Verb.PROVISION),))
    if task.status is TaskStatus.PROVISIONING:
        return Step(status=TaskStatus.PENDING)
    by_name = {container.name: container for container in task.containers}
    commands = tuple(
        Command(Verb.RUN, container.name)
        for container in task.containers
        if container.status == "PENDING" and not container.busy and _ready(container, by_name)
    )
    if _runs(task):
        return Step(status=TaskStatus.RUNNING, commands=commands)
    return Step(commands=commands)


def _runs(task: TaskView) -> bool:
    """Every essential container runs and every other one has at least started."""
    return task.status in {TaskStatus.PENDING, TaskStatus.ACTIVATING} and all(
        container.status == "RUNNING" or (not container.essential and container.status == "STOPPED")
        for container in task.containers
    )


def _reason_to_stop(task: TaskView) -> tuple[str, str] | None:
    if task.network_failure is not None:
        return "TaskFailedToStart", task.network_failure
    for container in task.containers:
        if container.failure is not None and (container.essential or container.status == "PENDING"):
            return "TaskFailedToStart", container.failure if task.tells_failures else "Task failed to start"
        if container.essential and container.status == "STOPPED":
            return "EssentialContainerExited", "Essential container in task exited"
    unmet = _unmet(task)
    if unmet:
        return "TaskFailedToStart", unmet[0][1] if task.tells_failures else "Task failed to start"
    return None


def _ready(container: ContainerView, others: dict[str, ContainerView]) -> bool:
    return all(_satisfied(others[name], condition) for name, condition in container.depends_on)


def _satisfied(other: ContainerView, condition: str) -> bool:
    match condition:
        case "COMPLETE":
            return other.status == "STOPPED"
        case "SUCCESS":
            return other.status == "STOPPED" and other.exit_code == 0
        case "HEALTHY":
            return other.status == "RUNNING" and other.health == "HEALTHY"
        case _:
            return other.status != "PENDING"


def _unmet(task: TaskView) -> tuple[tuple[str, str], ...]:
    """Containers whose dependencies can never be met, with the agent's words (its package dependencygraph)."""
    by_name = {container.name: container for container in task.containers}
    return tuple(
        (container.name, reason)
        for container in task.containers
        if container.status == "PENDING" and (reason := _obstacle(container, by_name)) is not None
    )


def _obstacle(container: ContainerView, others: dict[str, ContainerView]) -> str | None:
    for name, condition in container.depends_on:
        if others[name].status != "STOPPED":
            continue
        told = (
            f"dependency graph: failed to resolve container ordering dependency [{name}] for target [{container.name}]"
        )
        if condition == "SUCCESS" and others[name].exit_code != 0:
            return f"CannotStartContainerError: {told} as dependency did not exit successfully."
        if condition == "HEALTHY":  # (unconfirmed) text
            return f"CannotStartContainerError: {told} as dependency will never be healthy."
    return None


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
