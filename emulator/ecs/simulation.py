"""The simulated runtime over restarts and resets: what it played, and the scripts that it plays by.

The rows know every simulated container that ran when the process ended, because its death ended none of them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.task_specs import container_specs, read_shared, task_spec
from emulator.emulator import Emulator
from emulator.runtime.ports import ObservedContainer, PortBinding
from emulator.runtime.simulated import Restored, SimulatedRuntime
from emulator.state.ecs import TaskRow


def resume(emulator: Emulator) -> None:
    """Tell the simulated runtime of a new process what to go on with; nothing is to be told to a real engine."""
    runtime = emulator.runtime
    if not isinstance(runtime, SimulatedRuntime):
        return
    with emulator.transaction(emulator.settings.account_id, emulator.settings.region) as context:
        runtime.scripts.load(context.session)
        runtime.restore(list(_played(context)))


def forget_scripts(emulator: Emulator) -> None:
    """After a reset every image does what an image without a script does."""
    if isinstance(emulator.runtime, SimulatedRuntime):
        emulator.runtime.scripts.clear()


def _played(context: Context) -> Iterator[Restored]:
    rows = context.session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED")).all()
    read_shared(context.session, rows)
    for row in rows:
        specs = container_specs(context, row)
        running = [document for document in row.containers if document["lastStatus"] == "RUNNING"]
        containers = tuple((_container(row, document), specs[document["name"]]) for document in running)
        yield Restored(row.arn, containers, _network(context, row))


def _container(row: TaskRow, document: dict[str, Any]) -> ObservedContainer:
    return ObservedContainer(
        task_arn=row.arn,
        container_name=document["name"],
        runtime_id=document["runtimeId"],
        running=True,
        exit_code=None,
        out_of_memory=False,
        health=document["healthStatus"],
        started_at=_start_of(row, document),
        finished_at=None,
        bindings=tuple(
            PortBinding(binding["bindIP"], binding["containerPort"], binding["hostPort"], binding["protocol"])
            for binding in document.get("networkBindings", [])
        ),
    )


def _start_of(row: TaskRow, document: dict[str, Any]) -> datetime:
    """A container's own start is kept where it has a startTimeout; elsewhere the task's is the nearest."""
    if "startedAt" in document:
        return datetime.fromisoformat(document["startedAt"])
    return row.started_at or row.pull_stopped_at or row.created_at


def _network(context: Context, row: TaskRow) -> tuple[str, str] | None:
    details = (item for attachment in row.attachments for item in attachment["details"])
    address = next((str(item["value"]) for item in details if item["name"] == "privateIPv4Address"), None)
    vpc = task_spec(context, row).vpc_id
    return None if address is None or vpc is None else (vpc, address)
