"""The agent: the loop `tasks`, which carries tasks out on the runtime.

A batch of tasks is one transaction: what has been observed since is written, the pure `lifecycle.step` says what to do,
statuses move. Only after the commit are commands given. Their results, and the runtime's own events, are observations
that wake the task again; they are kept in memory only, because after a restart `adopt` observes everything anew.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.ecs.adoption import by_task, learned
from emulator.ecs.commands import Carrier, CredentialsFor, Orders, orders_of
from emulator.ecs.container_instances import wake_services
from emulator.ecs.live_tasks import Batch, LiveTask, UnderWay
from emulator.ecs.names import environment_of
from emulator.ecs.observations import Failed, Lost, NotStopped, Observation, apply, container_views, give_up
from emulator.ecs.task_logs import task_logs
from emulator.ecs.task_specs import read_shared
from emulator.ecs.task_states import StopCode, move, request_stop, touched, waits_for_host
from emulator.ecs.task_targets import held_by_drains
from emulator.emulator import Emulator
from emulator.runtime.awslogs import LogShipper
from emulator.runtime.faults import RuntimeFault
from emulator.runtime.ports import ContainerExited, HealthChanged, ObservedContainer, Reconnected, RuntimeEvent
from emulator.state.ecs import TaskRow
from emulator.state.journal import DecisionRow
from emulator.state.store import rows_by_key
from scheduler.reconcile.lifecycle import Command, Step, TaskStatus, TaskView, Verb, step, task_health

__all__ = ["Agent", "CredentialsFor"]

_LOG = structlog.get_logger()
_KEPT = timedelta(hours=1)
"""How long a stopped task is shown."""

_BATCH = 50
"""Tasks of one transaction: requests wait for its end."""

_AGAIN = timedelta(seconds=10)
"""When what could not be stopped or removed is tried again."""

_LOOK = 1.0
"""Seconds of real time after which tasks are asked again to stop, on the way out."""

_ENGINE_SECONDS = 30.0
"""How long, after all have been killed, the engine has to remove them, and pulls under way to end."""


class Agent:
    """Carries tasks out."""

    def __init__(self, emulator: Emulator, credentials_for: CredentialsFor) -> None:
        self._emulator = emulator
        self._live: defaultdict[str, LiveTask] = defaultdict(LiveTask)
        self._under_way = UnderWay()
        self._one_stopped = asyncio.Event()
        self._shipper = LogShipper(emulator.runtime, emulator.neighbours, emulator.clock)
        self._carrier = Carrier(emulator, credentials_for, self._shipper, self._observe)
        emulator.loops.add("tasks", self.handle, batch=_BATCH)

    async def start(self) -> None:
        """Watch the runtime, adopt what it has, and wake every task that is not at rest."""
        await self._emulator.runtime.open(self._happened)
        await self.adopt()

    async def stop(self) -> None:
        """Leave commands under way where they are; containers go on. The next start finds how far they came."""
        await self._under_way.abandon()
        await self._shipper.close()
        await self._emulator.runtime.close()

    async def adopt(self) -> None:
        """Compare what runs with what should: carry on, take note of what died, remove what nobody wants."""
        found = by_task(await self._emulator.runtime.observe())
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED")).all()
            read_shared(session, rows)
            for row in rows:
                self._adopt(self._context(session, row), row, found)
            stopped = session.execute(select(TaskRow.arn, TaskRow.stopped_at).where(TaskRow.last_status == "STOPPED"))
            purges = [(arn, at + _KEPT) for arn, at in stopped if at is not None]
        await self._remove_orphans()
        await self._emulator.runtime.tidy()
        self._emulator.loops.wake("tasks", *(row.arn for row in rows))
        for arn, at in purges:
            self._emulator.loops.wake_at("tasks", arn, at)

    def _adopt(self, context: Context, row: TaskRow, found: dict[str, dict[str, ObservedContainer]]) -> None:
        live, containers = self._live[row.arn], found.get(row.arn, {})
        live.has_network = row.network_mode == "awsvpc" and row.last_status != "PROVISIONING"
        live.observations.extend(learned(row, containers))
        for name, log in task_logs(context, row).items():
            if name in containers:
                self._shipper.resume(row.arn, name, log.of(containers[name].runtime_id))

    async def stop_everything(self, grace: float) -> None:
        """Stop and remove every container; the tasks are STOPPED, as those of a machine that was shut down.

        All at once, in the order of their dependencies within a task; what has not ended `grace` seconds from now is
        killed, whatever its own stop timeout is. What is being pulled does not hold this up for long.
        """
        now = asyncio.get_running_loop().time
        self._carrier.stop_by = now() + grace
        self._under_way.cancel(Verb.STOP)  # they are given again with less patience
        self._emulator.loops.start("tasks")
        while now() < self._carrier.stop_by + _ENGINE_SECONDS and self._ask_all_to_stop():
            self._one_stopped.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._one_stopped.wait(), _LOOK)
        await self._emulator.loops.stop()
        await self._under_way.abandon()
        left = await self._emulator.runtime.held()
        if left:
            _LOG.warning("tasks did not stop in time, they are removed", tasks=len(left))
            await asyncio.gather(*(self._emulator.runtime.remove(arn) for arn in left))

    def _ask_all_to_stop(self) -> bool:
        """Whether a task is still there; those that came meanwhile are asked, too."""
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED")).all()
            for row in rows:
                request_stop(self._context(session, row), row, StopCode.TERMINATION_NOTICE, "Ashore was stopped.")
                if self._live[row.arn].held or row.last_status == TaskStatus.DEACTIVATING:
                    self._live[row.arn].held.clear()
                    self._emulator.loops.wake("tasks", row.arn)
        return bool(rows)

    async def remove_all(self) -> None:
        """Remove every container that the runtime has (after a reset), those included that are being started."""
        self._live.clear()
        if self._emulator.runtime.kind == "simulated":
            await self._under_way.abandon()  # they may wait for a clock that stands still
        await self._remove_orphans()
        await self._under_way.finish()
        await self._remove_orphans()

    async def _remove_orphans(self) -> None:
        """Remove what no task wants. Rows are read last: a task that begins meanwhile has one."""
        held = await self._emulator.runtime.held()
        with self._emulator.store.begin() as session:
            wanted = set(session.scalars(select(TaskRow.arn).where(TaskRow.last_status != "STOPPED")))
        await asyncio.gather(*(self._emulator.runtime.remove(arn) for arn in held if arn not in wanted))

    async def handle(self, arns: list[str]) -> None:
        """One step for each task (the loop's handler). One that fails does not keep its neighbours from going on."""
        errors: list[Exception] = []
        for keys in (arns, *([arn] for arn in arns)):
            try:
                self._handle(keys)
            except Exception as error:  # noqa: BLE001 - raised below, for the loop to log, journal and try again
                error.add_note(f"tasks: {', '.join(keys[:5])}")
                errors.append(error)
            else:
                if keys is arns:
                    return
        if errors[1:]:
            raise ExceptionGroup("tasks failed", errors[1:])

    def _handle(self, arns: list[str]) -> None:
        with self._emulator.store.begin() as session:
            batch = Batch(session)
            rows = list(rows_by_key(session, TaskRow, arns).values())
            read_shared(session, rows)
            seen = {row.arn: len(self._live[row.arn].observations) for row in rows if row.last_status != "STOPPED"}
            for row in rows:
                self._advance(self._context(session, row), row, batch)
            for cluster_arn, context in batch.clusters.items():
                wake_services(context, cluster_arn)
            if batch.purged:
                session.execute(delete(DecisionRow).where(DecisionRow.subject.in_(batch.purged)))
        for arn, count in seen.items():  # only now are they safe
            if arn in self._live:
                del self._live[arn].observations[:count]
        for arn in set(arns) - seen.keys():  # what comes of tasks that are over is nobody's
            self._live.pop(arn, None)
        for found, orders in batch.given:
            for command in found.commands:
                self._give(command, orders)

    def _context(self, session: Session, row: TaskRow) -> Context:
        principal = f"arn:aws:iam::{row.account}:role/ashore-agent"
        return Context(session, row.account, row.region, principal, self._emulator.ids.uuid(), self._emulator)

    def _advance(self, context: Context, row: TaskRow, batch: Batch) -> None:
        if row.last_status == "STOPPED":
            if row.stopped_at is not None and row.stopped_at + _KEPT <= context.now:
                batch.purged.append(row.arn)
                context.session.delete(row)
            return
        if waits_for_host(row):
            return
        live, before, changed = self._live[row.arn], row.version, False
        for observation in live.observations:
            changed |= apply(context, row, observation)
            live.note(observation)
        health = task_health(self._view(context, row, live).containers)
        if health != row.health_status:
            row.health_status, changed = health, True
        found = self._step(context, row, live)
        if found.look_again is not None:
            self._look_at(context, row.arn, context.now + timedelta(seconds=found.look_again))
        if changed and row.version == before:
            touched(context, row)
        if row.last_status == "STOPPED":
            self._stopped(context, row, batch)
        elif found.commands:
            batch.given.append((found, orders_of(context, row)))

    def _step(self, context: Context, row: TaskRow, live: LiveTask) -> Step:
        """Step until there is nothing to decide without the runtime."""
        while True:
            found = step(self._view(context, row, live))
            for gone in found.given_up:
                give_up(row, gone)
                touched(context, row)
            if found.stop is not None:
                request_stop(context, row, *found.stop)
            if found.stop is not None or found.given_up:
                continue
            if found.status is not None:
                move(context, row, found.status)
            if found.status in {None, TaskStatus.STOPPED} or found.commands:
                return found

    def _view(self, context: Context, row: TaskRow, live: LiveTask) -> TaskView:
        busy = live.busy | {name for name, until in live.held.items() if until > context.now}
        return TaskView(
            status=TaskStatus(row.last_status),
            stopping=row.desired_status == "STOPPED",
            containers=container_views(context, row, busy, live.failures),
            needs_network=row.network_mode == "awsvpc",
            has_network=live.has_network,
            busy="" in busy,
            network_failure=live.network_failure,
            removed=live.removed,
            draining=self._carrier.stop_by is None and held_by_drains(row),
            tells_failures=row.launch_type == "FARGATE",
            whole=environment_of(row.started_by) is not None,
        )

    def _stopped(self, context: Context, row: TaskRow, batch: Batch) -> None:
        # whatever never ran is over too
        row.containers = [{**document, "lastStatus": "STOPPED"} for document in row.containers]
        arn = row.arn
        context.after_commit(lambda: self._live.pop(arn, None))
        context.after_commit(self._one_stopped.set)
        self._look_at(context, arn, context.now + _KEPT)
        if row.container_instance_arn is not None:
            batch.clusters.setdefault(row.cluster_arn, context)

    def _look_at(self, context: Context, arn: str, when: datetime) -> None:
        context.after_commit(lambda: self._emulator.loops.wake_at("tasks", arn, when))

    def _happened(self, event: RuntimeEvent) -> None:
        match event:
            case Reconnected():
                self._under_way.add(self._look_again(), "look again")
            case ContainerExited() | HealthChanged():
                self._observe(event.task_arn, event)

    async def _look_again(self) -> None:
        """After the runtime was out of reach: containers that ran and are gone are lost."""
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED"))
            ran = [
                (row.arn, item["name"]) for row in rows for item in row.containers if item["lastStatus"] == "RUNNING"
            ]
        try:
            found = by_task(await self._emulator.runtime.observe())
        except Exception as error:  # noqa: BLE001 - out of reach again: told when it is back
            _LOG.warning("the runtime cannot be looked at", error=str(error))
            return
        for arn, name in ran:
            if name not in found.get(arn, {}):
                self._observe(arn, Lost(name))

    def _observe(self, arn: str, observation: Observation) -> None:
        self._live[arn].observations.append(observation)
        self._emulator.loops.wake("tasks", arn)

    def _give(self, command: Command, orders: Orders) -> None:
        """Give a command in the background; its result is an observation."""
        live = self._live[orders.task.arn]
        if command.container in live.busy:
            return
        live.busy.add(command.container)
        self._under_way.add(self._given(command, orders, live), command.verb)

    async def _given(self, command: Command, orders: Orders, live: LiveTask) -> None:
        try:
            await self._carrier.carry_out(command, orders)
        except RuntimeFault as fault:
            self._failed(command, orders, live, fault.reason)
        except Exception as error:  # noqa: BLE001 - the edge of the loop: logged, and told as the container's failure
            _LOG.exception("command failed", task=orders.task.arn, verb=command.verb)
            self._failed(command, orders, live, f"DockerStateError: {error}")
        finally:
            live.busy.discard(command.container)
            self._emulator.loops.wake("tasks", orders.task.arn)

    def _failed(self, command: Command, orders: Orders, live: LiveTask, reason: str) -> None:
        """What cannot begin has failed; what cannot end is tried again, because a task must end."""
        arn = orders.task.arn
        if command.verb in {Verb.PROVISION, Verb.RUN}:
            self._observe(arn, Failed(command.container, reason))
            return
        again = live.held[command.container] = self._emulator.clock.now() + _AGAIN
        self._emulator.loops.wake_at("tasks", arn, again)
        _LOG.warning("command failed, it is tried again", task=arn, verb=command.verb, reason=reason)
        self._observe(arn, NotStopped(command.container, reason))
