"""What is learned of a task from its runtime, and how it is written to the task's row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.context import Context
from emulator.ecs.managed_agents import agent_started
from emulator.ecs.task_specs import definition_of
from emulator.runtime.faults import OutOfMemoryError
from emulator.runtime.ports import ContainerExited, HealthChanged, StartedContainer
from emulator.state.ecs import TaskRow
from scheduler.reconcile.lifecycle import ContainerView, GivenUp


@dataclass(frozen=True, slots=True)
class Networked:
    """The task has its network namespace and address."""

    private_ip: str
    mac_address: str


@dataclass(frozen=True, slots=True)
class PullBegan:
    """A container's image is being pulled."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Pulled:
    """A container's image is there."""

    container: str
    digest: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """A container was started."""

    container: str
    started: StartedContainer


@dataclass(frozen=True, slots=True)
class Failed:
    """A command to begin something failed; `container` is empty where it was for the whole task."""

    container: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotStopped:
    """A container could not be stopped; it is tried again."""

    container: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A container that ran is not on the engine any more, and nobody saw how it ended."""

    container: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Everything of the task is gone from the runtime."""


Observation = (
    Networked | PullBegan | Pulled | Started | Failed | NotStopped | Lost | Removed | ContainerExited | HealthChanged
)


def apply(context: Context, row: TaskRow, observation: Observation) -> bool:  # noqa: PLR0911 - one return a case
    """Write one observation; whether a client would see a difference."""
    match observation:
        case Networked(address, mac):
            _connect(context, row, address, mac)
        case PullBegan(at):
            began, row.pull_started_at = row.pull_started_at, row.pull_started_at or at
            return began is None
        case Pulled(name, digest, at):
            row.pull_stopped_at = at
            _change(row, name, {} if digest is None else {"imageDigest": digest})
        case Started(name, started):
            return _start(context, row, name, started)
        case Failed(name, reason) | NotStopped(name, reason) if name:
            return _change(row, name, {"reason": reason})
        case Lost(name):
            return _lose(context, row, name)
        case Failed() | NotStopped() | Removed():
            return False
        case ContainerExited():
            return _exit(context, row, observation)
        case HealthChanged(_, name, health):
            return _change(row, name, {"healthStatus": health})
    return True


def _connect(context: Context, row: TaskRow, address: str, mac: str) -> None:
    row.connectivity, row.connectivity_at = "CONNECTED", context.now
    for attachment in row.attachments:
        known = {item["name"]: item["value"] for item in attachment["details"]}
        known |= {"macAddress": mac, "privateIPv4Address": address}
        details = [{"name": name, "value": value} for name, value in known.items()]
        row.attachments = [{**attachment, "status": "ATTACHED", "details": details}]
        interface = {"attachmentId": attachment["id"], "privateIpv4Address": address}
        row.containers = [{**document, "networkInterfaces": [interface]} for document in row.containers]


def _start(context: Context, row: TaskRow, name: str, started: StartedContainer) -> bool:
    document = _document(row, name)
    if document is None or (document.get("runtimeId") == started.runtime_id and "networkBindings" in document):
        return False
    ended = document["lastStatus"] == "STOPPED" and document.get("runtimeId") == started.runtime_id
    bindings = [
        {
            "bindIP": binding.bind_ip,
            "containerPort": binding.container_port,
            "hostPort": binding.host_port,
            "protocol": binding.protocol,
        }
        for binding in started.bindings
    ]
    change: dict[str, Any] = {
        "lastStatus": "STOPPED" if ended else "RUNNING",  # its end may be told before its start
        "runtimeId": started.runtime_id,
        "networkBindings": bindings,
    }
    if _definitions(context, row)[name].get("startTimeout"):
        change["startedAt"] = started.started_at.isoformat()
    if row.enable_execute_command:
        change["execAgent"] = agent_started(started.started_at, context.emulator.runtime.kind)
    if row.connectivity is None:
        row.connectivity, row.connectivity_at = "CONNECTED", started.started_at
    return _change(row, name, change)


def _exit(context: Context, row: TaskRow, exited: ContainerExited) -> bool:
    document = _document(row, exited.container_name)
    if document is None or document["lastStatus"] == "STOPPED":
        return False
    change: dict[str, Any] = {"lastStatus": "STOPPED", "exitCode": exited.exit_code, "runtimeId": exited.runtime_id}
    if exited.out_of_memory:
        change["reason"] = OutOfMemoryError().reason
    if row.execution_stopped_at is None and _definitions(context, row)[exited.container_name]["essential"]:
        row.execution_stopped_at = exited.finished_at
    return _change(row, exited.container_name, change)


def _lose(context: Context, row: TaskRow, name: str) -> bool:
    """No exit code is known, so none is shown; the text is (unconfirmed)."""
    document = _document(row, name)
    if document is None or document["lastStatus"] != "RUNNING":
        return False
    if row.execution_stopped_at is None and _definitions(context, row)[name]["essential"]:
        row.execution_stopped_at = context.now
    reason = f"CannotDescribeContainerError: No such container: {document['runtimeId']}"
    return _change(row, name, {"lastStatus": "STOPPED", "reason": reason})


def give_up(row: TaskRow, gone: GivenUp) -> None:
    """A container is STOPPED that never ran."""
    code = {} if gone.exit_code is None else {"exitCode": gone.exit_code}
    _change(row, gone.container, {"lastStatus": "STOPPED", "reason": gone.reason, **code})


def _definitions(context: Context, row: TaskRow) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in definition_of(context, row).body["containerDefinitions"]}


def _document(row: TaskRow, name: str) -> dict[str, Any] | None:
    return next((document for document in row.containers if document["name"] == name), None)


def _change(row: TaskRow, name: str, change: dict[str, Any]) -> bool:
    before = _document(row, name)
    if before is None or all(before.get(member) == value for member, value in change.items()):
        return False
    row.containers = [{**document, **change} if document["name"] == name else document for document in row.containers]
    return True


def container_views(
    context: Context, row: TaskRow, busy: set[str], failures: dict[str, str]
) -> tuple[ContainerView, ...]:
    """The task's containers as the life cycle sees them, in the order of the task definition."""
    definitions = _definitions(context, row)
    return tuple(
        ContainerView(
            name=document["name"],
            status=document["lastStatus"],
            essential=definitions[document["name"]]["essential"],
            busy=document["name"] in busy,
            failure=failures.get(document["name"]),
            exit_code=document.get("exitCode"),
            health=document["healthStatus"] if "healthCheck" in definitions[document["name"]] else None,
            depends_on=_dependencies(definitions[document["name"]]),
            start_timeout=definitions[document["name"]].get("startTimeout"),
            running_for=_running_for(context, document),
            never_started=document["lastStatus"] == "STOPPED" and "runtimeId" not in document,
        )
        for document in row.containers
    )


def _running_for(context: Context, document: dict[str, Any]) -> float | None:
    """Seconds."""
    started = document.get("startedAt")
    return None if started is None else (context.now - datetime.fromisoformat(started)).total_seconds()


def _dependencies(definition: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Those declared, and those that the engine has: what is linked, or lends its volumes, must be there first."""
    declared = [(item["containerName"], item["condition"]) for item in definition.get("dependsOn", [])]
    lenders = [item["sourceContainer"] for item in definition["volumesFrom"]]
    linked = [link.partition(":")[0] for link in definition.get("links", [])]
    return (*declared, *((name, "START") for name in (*lenders, *linked)))
