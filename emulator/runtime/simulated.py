"""Tasks without an engine: the same life cycle, played on the clock, and labelled as simulated wherever status is shown.

What an image does is scripted by its name. The simulation lives in memory; after a restart `restore` tells it what ran
when the process ended, because the death of the emulator ends no simulated container.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from ipaddress import IPv4Address
from typing import Literal

from emulator.clock import Clock
from emulator.runtime.ports import (
    CannotPullContainerError,
    CannotStartContainerError,
    ContainerExited,
    ContainerSpec,
    Health,
    HealthChanged,
    LogLine,
    ObservedContainer,
    PortBinding,
    PulledImage,
    RegistryCredentials,
    RuntimeEvent,
    StartedContainer,
    TaskNetwork,
    TaskSpec,
)

_FIRST_PORT = 32768


@dataclass(frozen=True, slots=True)
class Script:
    """What containers of an image do; durations in seconds of the clock."""

    pull: float = 0
    start: float = 0
    stop: float = 0
    pull_error: str | None = None
    start_error: str | None = None
    runs_for: float | None = None
    """Ends by itself after so long; None: runs until it is stopped."""
    exit_code: int = 0
    out_of_memory: bool = False
    health: Health = "HEALTHY"
    """What its health check finds, where it has one."""
    health_after: float = 0


class SimulatedRuntime:
    """Plays containers."""

    kind: Literal["simulated"] = "simulated"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scripts: list[tuple[str, Script]] = []
        self._containers: dict[tuple[str, str], ObservedContainer] = {}
        self._specs: dict[tuple[str, str], ContainerSpec] = {}
        self._observer: Callable[[RuntimeEvent], None] = lambda _event: None
        self._timers: set[asyncio.Task[None]] = set()
        self._ports: dict[str, int] = {}
        self._addresses = 0

    def script(self, pattern: str, script: Script) -> None:
        """Have images whose name matches `pattern` (`web:*`) behave so; the newest matching script holds."""
        self._scripts.insert(0, (pattern, script))

    def restore(self, containers: Iterable[ObservedContainer]) -> None:
        """Say what ran when the process ended."""
        for container in containers:
            self._containers[container.task_arn, container.container_name] = container

    async def open(self, observer: Callable[[RuntimeEvent], None]) -> None:
        self._observer = observer

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)

    async def observe(self) -> Sequence[ObservedContainer]:
        return list(self._containers.values())

    async def provision(self, task: TaskSpec) -> TaskNetwork:
        self._addresses += 1
        address = str(IPv4Address("172.31.128.1") + self._addresses)
        mac = sha256(task.arn.encode()).hexdigest()
        return TaskNetwork(address, "02:" + ":".join(mac[i : i + 2] for i in range(0, 10, 2)), f"sim-{mac[:12]}")

    async def pull(self, image: str, credentials: RegistryCredentials | None, *, always: bool = False) -> PulledImage:
        del credentials, always
        script = self._script_of(image)
        await self._wait(script.pull)
        if script.pull_error is not None:
            raise CannotPullContainerError(script.pull_error)
        return PulledImage(id=f"sha256:{sha256(image.encode()).hexdigest()}", digest=None)

    async def run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        del image
        key = task.arn, container.name
        known = self._containers.get(key)
        if known is not None and known.started_at is not None:
            return StartedContainer(known.runtime_id, known.bindings, known.started_at)
        script = self._script_of(container.image)
        await self._wait(script.start)
        if script.start_error is not None:
            raise CannotStartContainerError(script.start_error)
        runtime_id = sha256(f"{task.arn}/{container.name}".encode()).hexdigest()
        now = self._clock.now()
        bindings = tuple(self._bind(task, mapping.container_port, mapping.host_port) for mapping in container.ports)
        observed = ObservedContainer(
            task.arn, container.name, runtime_id, True, None, False, "UNKNOWN", now, None, bindings
        )
        self._containers[key], self._specs[key] = observed, container
        self._play(key, container, script)
        return StartedContainer(runtime_id, bindings, now)

    async def stop(self, task_arn: str, container_name: str, timeout: float) -> None:  # noqa: ASYNC109 - see the port
        spec = self._specs.get((task_arn, container_name))
        script = self._script_of(spec.image) if spec else Script()
        killed = script.stop > timeout
        await self._wait(min(script.stop, timeout))
        self._end((task_arn, container_name), 137 if killed else 143)

    async def remove(self, task_arn: str) -> None:
        for key in [key for key in self._containers if key[0] == task_arn]:
            del self._containers[key]
            self._specs.pop(key, None)

    async def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        """A simulated container writes nothing."""
        del task_arn, container_name, since
        nothing: tuple[LogLine, ...] = ()
        for line in nothing:
            yield line

    def _script_of(self, image: str) -> Script:
        return next((script for pattern, script in self._scripts if fnmatchcase(image, pattern)), Script())

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)

    def _bind(self, task: TaskSpec, container_port: int, host_port: int) -> PortBinding:
        if task.network_mode == "bridge" and not host_port:
            host = task.host_address or ""
            host_port = self._ports[host] = self._ports.get(host, _FIRST_PORT - 1) + 1
        return PortBinding("0.0.0.0", container_port, host_port or container_port, "tcp")

    def _play(self, key: tuple[str, str], container: ContainerSpec, script: Script) -> None:
        """What happens to the container by itself: only scripted containers cost a timer."""
        if container.health_check is not None:
            self._later(script.health_after, lambda: self._set_health(key, script.health))
        if script.runs_for is not None:
            self._later(script.runs_for, lambda: self._end(key, script.exit_code, out_of_memory=script.out_of_memory))

    def _later(self, seconds: float, happen: Callable[[], None]) -> None:
        async def wait() -> None:
            await self._wait(seconds)
            happen()

        timer = asyncio.get_running_loop().create_task(wait())
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    def _set_health(self, key: tuple[str, str], health: Health) -> None:
        container = self._containers.get(key)
        if container is not None and container.running:
            self._containers[key] = replace(container, health=health)
            self._observer(HealthChanged(*key, health))

    def _end(self, key: tuple[str, str], exit_code: int, *, out_of_memory: bool = False) -> None:
        container = self._containers.get(key)
        if container is None or not container.running:
            return
        now = self._clock.now()
        self._containers[key] = replace(
            container, running=False, exit_code=exit_code, out_of_memory=out_of_memory, finished_at=now
        )
        self._observer(ContainerExited(*key, container.runtime_id, exit_code, out_of_memory, now))
