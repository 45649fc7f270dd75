"""One running server: how it is built from its settings, started, emptied and stopped."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from api.neighbours import NeighboursApp
from emulator.clock import Clock, parse_clock
from emulator.context import Context
from emulator.ecr.authorization import credentials_for
from emulator.ecr.sweep import sweep
from emulator.ecs.agent import Agent
from emulator.ecs.controller import Controller
from emulator.ecs.fleet import Fleets
from emulator.ecs.hosts import HostsLoop, add_demo
from emulator.emulator import Emulator
from emulator.ids import Ids
from emulator.journal import Entry, Journal, Kind
from emulator.loops import Loops
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.world import MotoWorld
from emulator.reset import reset
from emulator.runtime.docker import DockerRuntime, unreachable
from emulator.runtime.ports import ContainerRuntime, ObservedContainer, PortBinding
from emulator.runtime.simulated import SimulatedRuntime
from emulator.settings import Preset, RuntimeKind, Settings
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from emulator.state.journal import ServerStateRow
from emulator.state.store import Store

_FLUSH_SECONDS = 0.25


@dataclass(slots=True)
class Server:
    """The parts of a server that routes need beside the emulator."""

    emulator: Emulator
    agent: Agent
    controller: Controller
    hosts: HostsLoop
    neighbours: NeighboursApp
    world: MotoWorld
    runtime_reason: str | None
    """Why tasks are only simulated, where `--runtime auto` found no engine."""
    scratch: "tempfile.TemporaryDirectory[str] | None" = None
    exit: Callable[[], None] = lambda: None
    """Ends the process; set by `api.__main__`."""
    _background: set["asyncio.Task[None]"] = field(default_factory=set)

    @contextmanager
    def transaction(self, account: str | None, region: str | None) -> Iterator[Context]:
        """A transaction of the administrative API, by default in the default account and region."""
        settings = self.emulator.settings
        with self.emulator.transaction(account or settings.account_id, region or settings.region) as context:
            yield context

    async def start(self) -> None:
        """Carry on from the state: adopt what runs, wake what is not at rest."""
        sweep(self.emulator)
        self._preset()
        await self.agent.start()
        self.controller.start()
        self.hosts.start()
        self.emulator.loops.start()
        flusher = asyncio.create_task(self._flush_journal())
        self._background.add(flusher)

    def _preset(self) -> None:
        if self.emulator.settings.preset is Preset.DEMO:
            with self.transaction(None, None) as context:
                if context.session.scalar(select(ContainerInstanceRow.arn).limit(1)) is None:
                    add_demo(context)

    async def _flush_journal(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.emulator.journal.flush()

    async def stop(self) -> None:
        """Stop the loops and close everything. Containers go on: `stop_tasks` ends them."""
        for task in self._background:
            task.cancel()
        await self.emulator.loops.stop()
        await self.agent.stop()
        self.emulator.journal.flush()
        self.world.close()
        self.emulator.store.close()
        if self.scratch is not None:
            self.scratch.cleanup()

    async def stop_tasks(self, *, keep: bool) -> None:
        """Before the end: unless `keep`, stop every task and wait until nothing of it is left on the engine.

        Services are not asked: they want their tasks again after the next start.
        """
        if keep or self.emulator.runtime.kind == RuntimeKind.SIMULATED.value:
            return
        await self.emulator.loops.stop()
        await self.agent.stop_everything()

    async def reset(self) -> None:
        """Empty the server; containers are removed in the background."""
        reset(self.emulator)
        self.neighbours.reset()
        sweep(self.emulator)
        self._preset()
        removal = asyncio.create_task(self.agent.remove_all())
        self._background.add(removal)
        removal.add_done_callback(self._background.discard)
        if self.emulator.runtime.kind == RuntimeKind.SIMULATED.value:
            await removal

    def remember_clock(self) -> None:
        """Keep how far the clock is ahead, so that time does not go back at the next start."""
        with self.emulator.store.begin() as session:
            value = {"seconds": self.emulator.clock.offset().total_seconds()}
            session.merge(ServerStateRow(name="clock", value=value))


def build(settings: Settings, port: int) -> Server:
    """Everything that `settings` ask for; nothing runs yet.

    Raises:
        StateDirInUseError: another server has the state folder.
        EngineUnreachableError: `--runtime docker` and no engine answers.

    """
    scratch = tempfile.TemporaryDirectory(prefix="ashore-") if settings.ephemeral else None
    if scratch is not None:
        settings = settings.model_copy(update={"state_dir": Path(scratch.name)})
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    url = settings.database_url or (
        "sqlite://" if settings.ephemeral else f"sqlite:///{settings.state_dir / 'state.db'}"
    )
    store = Store(url, settings.state_dir)
    clock = _clock(settings, store)
    ids = Ids(settings.seed)
    runtime, reason = _runtime(settings, clock, _server_id(store, ids))
    journal = Journal(store)

    def on_failure(loop: str, keys: list[str], error: Exception) -> None:
        detail = {"keys": keys[:10], "error": f"{type(error).__name__}: {error}"}
        journal.note(Entry(clock.now(), Kind.FAULT, settings.account_id, settings.region, f"loop:{loop}", detail))

    loops = Loops(clock, on_failure)
    fleets = Fleets(store)
    path = None if settings.ephemeral else settings.state_dir / "neighbours.db"
    world = MotoWorld(clock, settings.account_id, path)
    neighbours = MotoNeighbours(world)
    emulator = Emulator(settings, clock, ids, store, journal, loops, fleets, runtime, neighbours, port)
    if isinstance(runtime, SimulatedRuntime):
        runtime.restore(_simulated_containers(store))
    agent = Agent(emulator, lambda account, region, image: credentials_for(emulator, account, region, image))
    return Server(
        emulator,
        agent,
        Controller(emulator),
        HostsLoop(emulator),
        NeighboursApp(neighbours, clock),
        world,
        reason,
        scratch,
    )


class EngineUnreachableError(Exception):
    """`--runtime docker` was asked for and no engine answers."""


def _runtime(settings: Settings, clock: Clock, server_id: str) -> tuple[ContainerRuntime, str | None]:
    if settings.runtime is RuntimeKind.SIMULATED:
        return SimulatedRuntime(clock), None
    reason = unreachable()
    if reason is None:
        return DockerRuntime(server_id, clock), None
    if settings.runtime is RuntimeKind.DOCKER:
        raise EngineUnreachableError(reason)
    return SimulatedRuntime(clock), f"no container engine answers, tasks are simulated ({reason})"


def _clock(settings: Settings, store: Store) -> Clock:
    with store.begin() as session:
        kept = session.get(ServerStateRow, "clock")
    ahead = timedelta(seconds=max(0.0, kept.value["seconds"])) if kept is not None else timedelta()
    real = Clock()
    return Clock(parse_clock(settings.clock), real.now() + ahead)


def _server_id(store: Store, ids: Ids) -> str:
    """Whose containers are whose: made once for a state, so that a restart finds its own."""
    with store.begin() as session:
        row = session.get(ServerStateRow, "server")
        if row is None:
            row = ServerStateRow(name="server", value={"id": ids.uuid()})
            session.add(row)
        return str(row.value["id"])


def _simulated_containers(store: Store) -> list[ObservedContainer]:
    """What the simulation played when the process ended: the death of the emulator ends no simulated container."""
    found = []
    with store.begin() as session:
        for task in session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED")):
            for document in task.containers:
                if document["lastStatus"] == "RUNNING":
                    bindings = tuple(
                        PortBinding(b["bindIP"], b["containerPort"], b["hostPort"], b["protocol"])
                        for b in document.get("networkBindings", [])
                    )
                    started = task.started_at or task.created_at
                    found.append(
                        ObservedContainer(
                            task.arn,
                            document["name"],
                            document["runtimeId"],
                            True,
                            None,
                            False,
                            document["healthStatus"],
                            started,
                            None,
                            bindings,
                        )
                    )
    return found
