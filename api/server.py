"""One running server: how it is built from its settings, started, emptied and stopped."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path

import structlog
from sqlalchemy import select

from api.container_endpoints import ContainerEndpoints
from api.neighbours import NeighboursApp
from api.routes.aws import AwsEndpoint
from api.routes.metadata import metadata_application
from emulator.balancer.balancers import LoadBalancers
from emulator.balancer.proxy import Proxy
from emulator.beanstalk.control_loops import ControlLoops
from emulator.beanstalk.environment_loop import EnvironmentsLoop
from emulator.beanstalk.health_loop import HealthLoop
from emulator.beanstalk.image_removal import after_reset, before_reset, remove_with_server
from emulator.beanstalk.permissions import can_be_assumed
from emulator.clock import Clock, parse_clock
from emulator.context import Context
from emulator.ecr.authorization import credentials_for
from emulator.ecr.background import Background
from emulator.ecr.sweep import SweepLoop
from emulator.ecs.agent import Agent
from emulator.ecs.capacity import Capacity
from emulator.ecs.controller import Controller
from emulator.ecs.discovery_loop import DiscoveryLoop
from emulator.ecs.fleet import Fleets
from emulator.ecs.hosts import HostsLoop, add_first_hosts
from emulator.ecs.ingress_loop import IngressLoop
from emulator.ecs.simulation import forget_scripts, resume
from emulator.emulator import Emulator
from emulator.ids import Ids
from emulator.journal import Entry, Journal, Kind, Retention
from emulator.loops import Loops
from emulator.neighbours.cloudwatch import show_metrics
from emulator.neighbours.discovery import MotoDiscovery
from emulator.neighbours.elbv2 import MotoLoadBalancers
from emulator.neighbours.environment_resources import MotoEnvironmentResources
from emulator.neighbours.ingress import MotoIngress
from emulator.neighbours.metrics import MotoMetrics
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.objects import MotoObjects
from emulator.neighbours.scaling import MotoScaling
from emulator.neighbours.scaling_groups import MotoScalingGroups
from emulator.neighbours.worker_queues import MotoWorkerQueues
from emulator.neighbours.world import MotoWorld
from emulator.reset import reset
from emulator.runtime.ports import ContainerRuntime
from emulator.runtime.simulated import SimulatedRuntime
from emulator.settings import Iam, RuntimeKind, Settings
from emulator.state.ecs import ContainerInstanceRow
from emulator.state.journal import ServerStateRow
from emulator.state.store import Store

_LOG = structlog.get_logger()
_FLUSH_SECONDS = 0.25


@dataclass(slots=True)
class Server:
    """The parts of a server that routes need beside the emulator."""

    emulator: Emulator
    agent: Agent
    controller: Controller
    capacity: Capacity
    ingress: IngressLoop
    discovery: DiscoveryLoop
    ecr: Background
    hosts: HostsLoop
    environments: EnvironmentsLoop
    beanstalk: ControlLoops
    health: HealthLoop
    balancers: LoadBalancers
    sweep: SweepLoop
    neighbours: NeighboursApp
    world: MotoWorld
    endpoints: ContainerEndpoints
    runtime_reason: str | None
    """Why tasks are only simulated, where `--runtime auto` found no engine."""
    scratch: "tempfile.TemporaryDirectory[str] | None" = None
    exit: Callable[[], None] = lambda: None
    """Ends the process; set by `api.__main__`."""
    _background: set["asyncio.Task[None]"] = field(default_factory=set)
    _ending: bool = False

    @contextmanager
    def transaction(self, account: str | None, region: str | None) -> Iterator[Context]:
        """A transaction of the administrative API, by default in the default account and region."""
        settings = self.emulator.settings
        with self.emulator.transaction(account or settings.account_id, region or settings.region) as context:
            yield context

    async def start(self) -> None:
        """Carry on from the state: adopt what runs, wake what is not at rest."""
        self.sweep.start()
        self._preset()
        self.remember_clock()
        await self.endpoints.start()
        await self.agent.start()
        self.controller.start()
        self.capacity.start()
        self.ingress.start()
        self.discovery.start()
        self.ecr.start()
        self.hosts.start()
        self.environments.start()
        self.beanstalk.start()
        self.health.start()
        self.balancers.start()
        self.emulator.loops.start()
        flusher = asyncio.create_task(self._flush_journal())
        self._background.add(flusher)

    def _preset(self) -> None:
        with self.transaction(None, None) as context:
            if context.session.scalar(select(ContainerInstanceRow.arn).limit(1)) is None:
                add_first_hosts(context)

    async def _flush_journal(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.emulator.journal.flush()
            self.emulator.journal.trim(self.emulator.clock.now())
            if self.emulator.clock.rate not in {0.0, 1.0}:  # it runs away from the operating system's
                self.remember_clock()

    async def stop(self) -> None:
        """Stop the loops and close everything. Containers go on: `stop_tasks` ends them."""
        for task in self._background:
            task.cancel()
        await self.endpoints.close()
        await self.emulator.loops.stop()
        await self.environments.stop()
        await self.beanstalk.workers.stop()
        await self.agent.stop()
        await self.balancers.stop()
        self.emulator.journal.flush()
        self.world.close()
        self.emulator.store.close()
        if self.scratch is not None:
            self.scratch.cleanup()

    def shut_down(self, *, keep: bool, grace: float) -> None:
        """End in the background; requests are answered until then, so that progress can be seen."""

        async def end() -> None:
            try:
                await self._stop_tasks(keep=keep, grace=grace)
            except Exception:  # noqa: BLE001 - the outermost edge: the server ends all the same
                _LOG.exception("tasks could not be stopped")
            finally:
                self.exit()

        if not self._ending:
            self._ending = True
            ending = asyncio.create_task(end())
            self._background.add(ending)

    async def _stop_tasks(self, *, keep: bool, grace: float) -> None:
        """Before the end: unless `keep`, stop every task and wait until nothing of it is left on the engine.

        Services are not asked: they want their tasks again after the next start.
        """
        if keep or self.emulator.runtime.kind == RuntimeKind.SIMULATED.value:
            return
        await self.emulator.loops.stop()
        await self.agent.stop_everything(grace)
        await remove_with_server(self.emulator, self.environments.preparing)

    async def reset(self) -> None:
        """Empty the server; containers are removed in the background."""
        environments = await before_reset(self.emulator, self.environments.preparing)
        reset(self.emulator)
        forget_scripts(self.emulator)
        self.neighbours.reset()
        self.balancers.forget()
        self.capacity.reset()
        self.sweep.start()
        self._preset()
        removal = asyncio.create_task(self._remove_all(environments))
        self._background.add(removal)
        removal.add_done_callback(self._background.discard)
        if self.emulator.runtime.kind == RuntimeKind.SIMULATED.value:
            await removal

    async def _remove_all(self, environments: list[str]) -> None:
        """Containers, and what was built for environments."""
        await self.agent.remove_all()
        after_reset(self.emulator, environments)

    def remember_clock(self) -> None:
        """Keep how far the clock is ahead, so that time does not go back at the next start, and where a paused one stands."""
        clock = self.emulator.clock
        with self.emulator.store.begin() as session:
            value = {
                "seconds": clock.offset().total_seconds(),
                "stands": None if clock.rate else clock.now().isoformat(),
            }
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
    journal = Journal(store, Retention(settings.journal_entries, timedelta(days=settings.journal_days)))

    def on_failure(loop: str, keys: list[str], error: Exception) -> None:
        detail = {"keys": keys[:10], "error": f"{type(error).__name__}: {error}"}
        journal.note(Entry(clock.now(), Kind.FAULT, settings.account_id, settings.region, f"loop:{loop}", detail))

    loops = Loops(clock, on_failure)
    fleets = Fleets(store)
    path = None if settings.ephemeral else settings.state_dir / "neighbours.db"
    world = MotoWorld(clock, settings.account_id, path)
    neighbours = MotoNeighbours(world, keys_tell_accounts=settings.iam is not Iam.OFF)
    emulator = Emulator(settings, clock, ids, store, journal, loops, fleets, runtime, neighbours, port)
    emulator.objects, emulator.identities = MotoObjects(world), neighbours.identities
    emulator.groups, emulator.scaling = MotoScalingGroups(neighbours), MotoScaling(world)
    show_metrics(emulator.metrics.points)
    control = MotoLoadBalancers(world)
    balancers = LoadBalancers(emulator, control, Proxy(emulator, _sockets_folder(settings)), MotoMetrics(world))
    emulator.balancer = balancers
    resume(emulator)
    trusted = can_be_assumed if settings.iam is Iam.STRICT else None
    resources = MotoEnvironmentResources(neighbours, control, trusted)
    agent = Agent(emulator, partial(credentials_for, emulator))
    apps = NeighboursApp(neighbours, clock, control)
    emulator.queues = queues = MotoWorkerQueues(world)
    beanstalk = ControlLoops(emulator, queues, resources)
    metadata = metadata_application(emulator, AwsEndpoint(emulator, apps))
    return Server(
        emulator,
        agent,
        Controller(emulator),
        Capacity(emulator),
        IngressLoop(emulator, MotoIngress(world, control)),
        DiscoveryLoop(emulator, MotoDiscovery(world)),
        Background(emulator),
        HostsLoop(emulator),
        EnvironmentsLoop(emulator, resources),
        beanstalk,
        HealthLoop(emulator, resources, beanstalk.workers),
        balancers,
        SweepLoop(emulator),
        apps,
        world,
        ContainerEndpoints(emulator, metadata),
        reason,
        scratch,
    )


def _sockets_folder(settings: Settings) -> Path:
    """Where the proxy's sockets are: a path that is short enough for them, and this state's own."""
    number = blake2b(str(settings.state_dir.resolve()).encode(), digest_size=6).hexdigest()
    return Path(tempfile.gettempdir()) / f"ashore-{os.getuid()}-{number}"


class EngineUnreachableError(Exception):
    """`--runtime docker` was asked for and no engine answers."""


def _runtime(settings: Settings, clock: Clock, server_id: str) -> tuple[ContainerRuntime, str | None]:
    if settings.runtime is RuntimeKind.SIMULATED:
        return SimulatedRuntime(clock), None
    from emulator.runtime.docker import DockerRuntime, unreachable  # noqa: PLC0415 - who simulates need not pay for it

    reason = unreachable()
    if reason is None:
        return DockerRuntime(server_id, clock), None
    if settings.runtime is RuntimeKind.DOCKER:
        raise EngineUnreachableError(reason)
    return SimulatedRuntime(clock), f"no container engine answers, tasks are simulated ({reason})"


def _clock(settings: Settings, store: Store) -> Clock:
    with store.begin() as session:
        kept = session.get(ServerStateRow, "clock")
    rate, value = (
        parse_clock(settings.clock),
        {"seconds": 0.0, "stands": None} | (kept.value if kept is not None else {}),
    )
    if not rate and value["stands"]:
        return Clock(rate, datetime.fromisoformat(value["stands"]))
    return Clock(rate, Clock().now() + timedelta(seconds=max(0.0, value["seconds"])))


def _server_id(store: Store, ids: Ids) -> str:
    """Whose containers are whose: made once for a state, so that a restart finds its own."""
    with store.begin() as session:
        row = session.get(ServerStateRow, "server")
        if row is None:
            row = ServerStateRow(name="server", value={"id": ids.uuid()})
            session.add(row)
        return str(row.value["id"])
