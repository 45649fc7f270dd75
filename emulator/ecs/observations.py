"""What is learned of a task from its runtime, and how it is written to the task's row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.context import Context
from emulator.ecs.task_specs import definition_of
from emulator.runtime.ports import ContainerExited, HealthChanged, OutOfMemoryError, StartedContainer
from emulator.state.ecs import TaskRow
from scheduler.reconcile.lifecycle import ContainerView


@dataclass(frozen=True, slots=True)
class Networked:
    """The task has its network namespace and address."""

    private_ip: str
    mac_address: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """A container's image is there."""

    container: str
    digest: str | None
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """A container was started."""

    container: str
    started: StartedContainer


@dataclass(frozen=True, slots=True)
class Failed:
    """A command failed; `container` is empty where it was for the whole task."""

    container: str
    reason: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Everything of the task is gone from the runtime."""


Observation = Networked | Pulled | Started | Failed | Removed | ContainerExited | HealthChanged


def apply(context: Context, row: TaskRow, observation: Observation) -> bool:  # noqa: PLR0911 - one return a case
    """Write one observation; whether a client would see a difference."""
    match observation:
        case Networked(address, mac):
            _connect(context, row, address, mac)
        case Pulled(name, digest, began, ended):
            row.pull_started_at = row.pull_started_at or began
            row.pull_stopped_at = ended
            return _change(row, name, {} if digest is None else {"imageDigest": digest})
        case Started(name, started):
            return _start(row, name, started)
        case Failed(name, reason) if name:
            return _change(row, name, {"reason": reason})
        case Failed() | Removed():
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


def _start(row: TaskRow, name: str, started: StartedContainer) -> bool:
    document = _document(row, name)
    if document is None or document.get("runtimeId") == started.runtime_id:
        return False
    bindings = [
        {
            "bindIP": binding.bind_ip,
            "containerPort": binding.container_port,
            "hostPort": binding.host_port,
            "protocol": binding.protocol,
        }
        for binding in started.bindings
    ]
    change = {"lastStatus": "RUNNING", "runtimeId": started.runtime_id, "networkBindings": bindings}
    if row.connectivity is None:
        row.connectivity, row.connectivity_at = "CONNECTED", started.started_at
    return _change(row, name, change)


def _exit(context: Context, row: TaskRow, exited: ContainerExited) -> bool:
    document = _document(row, exited.container_name)
    if document is None or document.get("exitCode") is not None:
        return False
    change: dict[str, Any] = {"lastStatus": "STOPPED", "exitCode": exited.exit_code, "runtimeId": exited.runtime_id}
    if exited.out_of_memory:
        change["reason"] = OutOfMemoryError().reason
    if row.execution_stopped_at is None and _essential(context, row)[exited.container_name]:
        row.execution_stopped_at = exited.finished_at
    return _change(row, exited.container_name, change)


def _essential(context: Context, row: TaskRow) -> dict[str, bool]:
    return {item["name"]: item["essential"] for item in definition_of(context, row).body["containerDefinitions"]}


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
    definitions = {item["name"]: item for item in definition_of(context, row).body["containerDefinitions"]}
    return tuple(
        ContainerView(
            name=document["name"],
            status=document["lastStatus"],
            essential=definitions[document["name"]]["essential"],
            busy=document["name"] in busy,
            failure=failures.get(document["name"]),
            exit_code=document.get("exitCode"),
            health=document["healthStatus"] if "healthCheck" in definitions[document["name"]] else None,
            depends_on=tuple(
                (item["containerName"], item["condition"])
                for item in definitions[document["name"]].get("dependsOn", [])
            ),
        )
        for document in row.containers
    )
