"""The agent: the loop `tasks`, which carries tasks out on the runtime.

A batch of tasks is one transaction: what has been observed since is written, the pure `lifecycle.step` says what to do,
statuses move. Only after the commit are commands given. Their results, and the runtime's own events, are observations
that wake the task again; they are kept in memory only, because after a restart `adopt` observes everything anew.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select

from emulator.context import Context
from emulator.ecs.container_instances import wake_services
from emulator.ecs.observations import (
    Failed,
    Networked,
    Observation,
    Pulled,
    Removed,
    Started,
    apply,
    container_views,
)
from emulator.ecs.task_logs import TaskLog, task_logs
from emulator.ecs.task_specs import container_specs, task_spec
from emulator.ecs.task_states import move, request_stop, touched
from emulator.emulator import Emulator
from emulator.runtime.awslogs import LogShipper
from emulator.runtime.ports import (
    ContainerExited,
    ContainerSpec,
    HealthChanged,
    ObservedContainer,
    RegistryCredentials,
    RuntimeEvent,
    RuntimeFault,
    StartedContainer,
    TaskSpec,
)
from emulator.state.ecs import TaskRow
from emulator.state.journal import DecisionRow
from scheduler.reconcile.lifecycle import Command, Step, TaskStatus, TaskView, Verb, step, task_health

_LOG = structlog.get_logger()
_KEPT = timedelta(hours=1)
"""How long a stopped task is shown."""

_LOOK = 0.05
"""Seconds of real time between two looks at whether all tasks have ended, on the way out."""

CredentialsFor = Callable[[str, str, str], RegistryCredentials | None]
"""(account, region, image) → what to pull it with; None where the image is not in our own registry."""


@dataclass(slots=True)
class _Live:
    """What is only in memory about a task that is not at rest."""

    observations: list[Observation] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    """Containers with a command under way; the empty name stands for the task."""
    has_network: bool = False
    network_failure: str | None = None
    removed: bool = False
    failures: dict[str, str] = field(default_factory=dict)
    logs: dict[str, TaskLog] = field(default_factory=dict)


class Agent:
    """Carries tasks out."""

    def __init__(self, emulator: Emulator, credentials_for: CredentialsFor, parallel: int = 16) -> None:
        self._emulator, self._credentials_for = emulator, credentials_for
        self._live: defaultdict[str, _Live] = defaultdict(_Live)
        self._commands: set[asyncio.Task[None]] = set()
        self._shipper = LogShipper(emulator.runtime, emulator.neighbours, emulator.clock)
        self._slots = asyncio.Semaphore(parallel)
        emulator.loops.add("tasks", self.handle)

    async def start(self) -> None:
        """Watch the runtime, adopt what it has, and wake every task that is not at rest."""
        await self._emulator.runtime.open(self._on_event)
        await self.adopt()

    async def stop(self) -> None:
        """Wait for the commands under way; containers go on."""
        await asyncio.gather(*self._commands, return_exceptions=True)
        await self._shipper.close()
        await self._emulator.runtime.close()

    async def adopt(self) -> None:
        """Compare what runs with what should: carry on, take note of what died, remove what nobody wants."""
        observed = await self._emulator.runtime.observe()
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED")).all()
            wanted = {row.arn for row in rows}
            for row in rows:
                self._live[row.arn].logs = task_logs(self._context(session, row), row)
            networked = {row.arn for row in rows if row.network_mode == "awsvpc" and row.last_status != "PROVISIONING"}
            stopped = session.execute(select(TaskRow.arn, TaskRow.stopped_at).where(TaskRow.last_status == "STOPPED"))
            purges = [(arn, at + _KEPT) for arn, at in stopped if at is not None]
        for container in observed:
            if container.task_arn in wanted:
                self._live[container.task_arn].observations.extend(_seen(container))
                log = self._live[container.task_arn].logs.get(container.container_name)
                if log is not None:
                    self._shipper.resume(container.task_arn, container.container_name, log.to)
        for arn in networked:
            self._live[arn].has_network = True
        for arn in {container.task_arn for container in observed} - wanted:
            await self._emulator.runtime.remove(arn)
        self._emulator.loops.wake("tasks", *wanted)
        for arn, at in purges:
            self._emulator.loops.wake_at("tasks", arn, at)

    async def stop_everything(self) -> None:
        """Stop and remove every container; the tasks are STOPPED, as those of a machine that was shut down."""
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED")).all()
            for row in rows:
                context = self._context(session, row)
                request_stop(context, row, "TerminationNotice", "Ashore was stopped.")
        waiting = [row.arn for row in rows]
        loop = self._emulator.loops
        loop.start("tasks")
        loop.wake("tasks", *waiting)
        while waiting:
            await asyncio.sleep(_LOOK)
            waiting = [arn for arn in waiting if arn in self._live]
        await loop.stop()

    async def remove_all(self) -> None:
        """Remove every container that the runtime has (after a reset)."""
        self._live.clear()
        for arn in {container.task_arn for container in await self._emulator.runtime.observe()}:
            await self._emulator.runtime.remove(arn)

    async def handle(self, arns: list[str]) -> None:
        """One step for each task (the loop's handler)."""
        given: list[tuple[str, TaskSpec, dict[str, ContainerSpec], Step]] = []
        with self._emulator.store.begin() as session:
            for row in session.scalars(select(TaskRow).where(TaskRow.arn.in_(arns))):
                context = self._context(session, row)
                found = self._advance(context, row)
                if found is not None and found.commands:
                    self._live[row.arn].logs = task_logs(context, row)
                    given.append((row.arn, task_spec(context, row), container_specs(context, row), found))
        for arn, task, containers, found in given:
            for command in found.commands:
                self._give(arn, command, task, containers)

    def _context(self, session: Any, row: TaskRow) -> Context:
        principal = f"arn:aws:iam::{row.account}:role/ashore-agent"
        return Context(session, row.account, row.region, principal, self._emulator.ids.uuid(), self._emulator)

    def _advance(self, context: Context, row: TaskRow) -> Step | None:
        if row.last_status == "STOPPED":
            self._purge(context, row)
            return None
        live = self._live[row.arn]
        changed = False
        observations, live.observations = live.observations, []
        for observation in observations:
            changed |= apply(context, row, observation)
            self._note(live, observation)
        views = container_views(context, row, live.busy, live.failures)
        health = task_health(views)
        if health != row.health_status:
            row.health_status, changed = health, True
        if changed:
            touched(context, row)
        return self._step(context, row, live)

    def _note(self, live: _Live, observation: Observation) -> None:
        match observation:
            case Networked():
                live.has_network = True
            case Removed():
                live.removed = True
            case Failed(container, reason) if container:
                live.failures[container] = reason
            case Failed(_, reason):
                live.network_failure = reason

    def _step(self, context: Context, row: TaskRow, live: _Live) -> Step:
        """Step until there is nothing to decide without the runtime."""
        while True:
            found = step(self._view(context, row, live))
            if found.stop is not None:
                request_stop(context, row, *found.stop)
                continue
            if found.status is not None:
                move(context, row, found.status)
            if found.status is TaskStatus.STOPPED:
                self._stopped(context, row)
                return Step()
            if found.status is None or found.commands:
                return found

    def _view(self, context: Context, row: TaskRow, live: _Live) -> TaskView:
        return TaskView(
            status=TaskStatus(row.last_status),
            stopping=row.desired_status == "STOPPED",
            containers=container_views(context, row, live.busy, live.failures),
            needs_network=row.network_mode == "awsvpc",
            has_network=live.has_network,
            busy="" in live.busy,
            network_failure=live.network_failure,
            removed=live.removed,
        )

    def _stopped(self, context: Context, row: TaskRow) -> None:
        # whatever never ran is over too
        row.containers = [{**document, "lastStatus": "STOPPED"} for document in row.containers]
        at = context.now + _KEPT
        arn = row.arn
        context.after_commit(lambda: self._live.pop(arn, None))
        context.after_commit(lambda: self._emulator.loops.wake_at("tasks", arn, at))
        if row.container_instance_arn is not None:
            wake_services(context, row.cluster_arn)

    def _purge(self, context: Context, row: TaskRow) -> None:
        if row.stopped_at is not None and row.stopped_at + _KEPT <= context.now:
            context.session.execute(delete(DecisionRow).where(DecisionRow.subject == row.arn))
            context.session.delete(row)

    def _on_event(self, event: RuntimeEvent) -> None:
        self._observe(event.task_arn, event)

    def _observe(self, arn: str, *observations: Observation) -> None:
        self._live[arn].observations.extend(observations)
        self._emulator.loops.wake("tasks", arn)

    def _give(self, arn: str, command: Command, task: TaskSpec, containers: dict[str, ContainerSpec]) -> None:
        """Give a command in the background; its result is an observation."""
        live = self._live[arn]
        if command.container in live.busy:
            return
        live.busy.add(command.container)

        async def given() -> None:
            try:
                async with self._slots:
                    await self._carry_out(arn, command, task, containers)
            except RuntimeFault as fault:
                self._observe(arn, Failed(command.container, fault.reason))
            except Exception as error:  # noqa: BLE001 - the edge of the loop: logged, and told as the container's failure
                _LOG.exception("command failed", task=arn, verb=command.verb)
                self._observe(arn, Failed(command.container, f"DockerStateError: {error}"))
            finally:
                live.busy.discard(command.container)
                self._emulator.loops.wake("tasks", arn)

        running = asyncio.get_running_loop().create_task(given())
        self._commands.add(running)
        running.add_done_callback(self._commands.discard)

    async def _carry_out(
        self, arn: str, command: Command, task: TaskSpec, containers: dict[str, ContainerSpec]
    ) -> None:
        runtime = self._emulator.runtime
        match command.verb:
            case Verb.PROVISION:
                network = await runtime.provision(task)
                self._observe(arn, Networked(network.private_ip, network.mac_address))
            case Verb.RUN:
                self._observe(arn, *await self._run(task, containers[command.container]))
            case Verb.STOP:
                await runtime.stop(arn, command.container, containers[command.container].stop_timeout)
            case Verb.REMOVE:
                await self._shipper.drained(arn)
                await runtime.remove(arn)
                self._observe(arn, Removed())

    async def _run(self, task: TaskSpec, container: ContainerSpec) -> list[Observation]:
        log = self._live[task.arn].logs.get(container.name)
        if log is not None:
            log.prepare(self._emulator.neighbours)
        account, region = task.arn.split(":")[4], task.arn.split(":")[3]
        credentials = self._credentials_for(account, region, container.image)
        began: datetime = self._emulator.clock.now()
        image = await self._emulator.runtime.pull(container.image, credentials)
        pulled = Pulled(container.name, image.digest, began, self._emulator.clock.now())
        started: StartedContainer = await self._emulator.runtime.run(task, container, image)
        if log is not None:
            self._shipper.ship(task.arn, container.name, log.to)
        return [pulled, Started(container.name, started)]


def _seen(container: ObservedContainer) -> list[Observation]:
    """What finding a container says: that it was started, and how it is or ended."""
    found: list[Observation] = []
    if container.started_at is not None:
        started = StartedContainer(container.runtime_id, container.bindings, container.started_at)
        found.append(Started(container.container_name, started))
        found.append(HealthChanged(container.task_arn, container.container_name, container.health))
    if not container.running and container.exit_code is not None and container.finished_at is not None:
        found.append(
            ContainerExited(
                container.task_arn,
                container.container_name,
                container.runtime_id,
                container.exit_code,
                container.out_of_memory,
                container.finished_at,
            )
        )
    return found
