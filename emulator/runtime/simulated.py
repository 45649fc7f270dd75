"""Tasks without an engine: the same life cycle, played on the clock, and labelled as simulated wherever status is shown.

What an image does is scripted by its name (`scripts.py`). The simulation lives in memory; after a restart `restore` tells
it what ran when the process ended, because the death of the emulator ends no simulated container: its script goes on from
the instant at which it was started. A container costs a timer only where its script says that something happens to it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from emulator.clock import Clock
from emulator.runtime.builds import BuildSpec, BuiltImage
from emulator.runtime.dockerfiles import dockerfile_text, exposed_ports
from emulator.runtime.faults import (
    CannotBuildImageError,
    CannotExecuteCommandError,
    CannotPullContainerError,
    CannotStartContainerError,
    ContainerNetworkingError,
)
from emulator.runtime.ports import (
    ContainerExited,
    ExecStream,
    Health,
    HealthChanged,
    LogLine,
    ObservedContainer,
    PortBinding,
    PulledImage,
    RuntimeEvent,
    StartedContainer,
    TaskNetwork,
)
from emulator.runtime.scripts import Script, Scripts
from emulator.runtime.specs import ContainerSpec, PortMapping, RegistryCredentials, TaskSpec

__all__ = ["Restored", "Script", "SimulatedRuntime"]

_FIRST_PORT, _LAST_PORT = 32768, 60999
"""Dynamic host ports, as Linux gives them."""

_RESERVED = 4
"""Addresses at the beginning of a range that AWS keeps."""

_Key = tuple[str, str]
"""Task ARN and container name."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A task that was played when the process ended."""

    arn: str
    containers: tuple[tuple[ObservedContainer, ContainerSpec], ...]
    network: tuple[str, str] | None = None
    """awsvpc: its VPC and address."""


class SimulatedRuntime:
    """Plays containers."""

    kind: Literal["simulated"] = "simulated"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.scripts = Scripts()
        self._containers: dict[_Key, ObservedContainer] = {}
        self._specs: dict[_Key, ContainerSpec] = {}
        self._names: dict[str, set[str]] = {}
        """Task ARN → its containers: removing one of ten thousand tasks must not look at all of them."""
        self._observer: Callable[[RuntimeEvent], None] = lambda _event: None
        self._timers: set[asyncio.Task[None]] = set()
        self._next_port = _FIRST_PORT
        self._networks: dict[str, tuple[str, TaskNetwork]] = {}
        """Task ARN → its VPC and its place there."""
        self._built: dict[str, dict[str, str]] = {}
        """Tag of a built image → its labels; forgotten at a restart, as nothing is left of it anyway."""
        self._taken: set[tuple[str, str]] = set()
        """VPC and address."""

    def script(self, pattern: str, script: Script) -> None:
        """Have images whose name matches `pattern` (`web:*`) behave so; the newest matching script holds."""
        self.scripts.set(pattern, script)

    def restore(self, played: Iterable[Restored]) -> None:
        """Say what ran when the process ended; `open` has it go on."""
        for task in played:
            if task.network is not None:
                self._attach(task.arn, *task.network)
            for container, spec in task.containers:
                key = task.arn, container.container_name
                self._containers[key], self._specs[key] = container, spec
                self._names.setdefault(task.arn, set()).add(container.container_name)
                ports = [binding.host_port + 1 for binding in container.bindings if binding.host_port <= _LAST_PORT]
                self._next_port = max(self._next_port, *ports) if ports else self._next_port

    async def open(self, observer: Callable[[RuntimeEvent], None]) -> None:
        self._observer = observer
        for key in self._containers:  # there are none unless they were restored
            self._play(key)

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)

    async def observe(self) -> Sequence[ObservedContainer]:
        return list(self._containers.values())

    async def held(self) -> Collection[str]:
        return self._names.keys() | self._networks.keys()

    async def task_address(self) -> str | None:
        return None

    async def instance_address(self) -> str | None:
        return None

    async def task_at(self, address: str) -> str | None:
        del address
        return None  # nothing runs that could ask

    async def provision(self, task: TaskSpec) -> TaskNetwork:
        known = self._networks.get(task.arn)
        if known is not None:
            return known[1]
        network = ip_network(task.subnet_cidr or task.vpc_cidr or "172.31.0.0/16")
        vpc = task.vpc_id or str(network)
        usable = network.num_addresses - _RESERVED - 1
        first = int(_drawn(task.arn), 16)
        offsets = (_RESERVED + (first + attempt) % usable for attempt in range(usable))
        address = next(
            (ip for ip in (str(network[offset]) for offset in offsets) if (vpc, ip) not in self._taken), None
        )
        if address is None:
            raise ContainerNetworkingError(f"no free address in {network}")
        return self._attach(task.arn, vpc, address)

    def _attach(self, task_arn: str, vpc: str, address: str) -> TaskNetwork:
        drawn = _drawn(task_arn)
        mac = "02:" + ":".join(drawn[i : i + 2] for i in range(0, 10, 2))
        made = TaskNetwork(address, mac, f"sim-{drawn[:12]}")
        self._networks[task_arn] = vpc, made
        self._taken.add((vpc, address))
        return made

    async def pull(self, image: str, credentials: RegistryCredentials | None, *, always: bool = False) -> PulledImage:
        del credentials, always
        script = self.scripts.of(image)
        await self._wait(script.pull)
        if script.pull_error is not None:
            raise CannotPullContainerError(script.pull_error)
        return PulledImage(id=f"sha256:{sha256(image.encode()).hexdigest()}", digest=None)

    async def build(
        self, build: BuildSpec, credentials: Mapping[str, RegistryCredentials], say: Callable[[str], None]
    ) -> BuiltImage:
        """Nothing is carried out of a Dockerfile; its EXPOSE is read."""
        del credentials
        text = dockerfile_text(build)
        script = self.scripts.of(build.tag)
        say(f"Step 1 : simulated build of {build.tag}")
        await self._wait(script.build)
        if script.build_error is not None:
            *lines, error = script.build_error.split("\n")
            for line in lines:
                say(line)
            raise CannotBuildImageError(error, tuple(lines))
        self._built[build.tag] = dict(build.labels)
        ports = exposed_ports(text) or ((script.exposes,) if script.exposes is not None else ())
        return BuiltImage(f"sha256:{sha256(build.tag.encode()).hexdigest()}", tuple(sorted(ports)))

    async def remove_images(self, labels: Mapping[str, str]) -> bool:
        used = {self._specs[key].image for key in self._containers}
        found = {tag for tag, own in self._built.items() if labels.items() <= own.items()}
        for tag in found - used:
            del self._built[tag]
        return found.isdisjoint(used)

    async def copy_out(self, image: str, path: str, target: Path) -> bool:
        del image, path, target
        return False

    async def run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        del image
        key = task.arn, container.name
        known = self._containers.get(key)
        if known is not None and known.started_at is not None:
            return StartedContainer(known.runtime_id, known.bindings, known.started_at)
        script = self.scripts.of(container.image)
        await self._wait(script.start)
        if script.start_error is not None:
            raise CannotStartContainerError(script.start_error)
        runtime_id = sha256(f"{task.arn}/{container.name}".encode()).hexdigest()
        now = self._clock.now()
        published = container.ports if task.network_mode in {"bridge", "host"} else ()
        bindings = tuple(self._bind(task, mapping) for mapping in published)
        observed = ObservedContainer(
            task.arn, container.name, runtime_id, True, None, False, "UNKNOWN", now, None, bindings
        )
        self._containers[key], self._specs[key] = observed, container
        self._names.setdefault(task.arn, set()).add(container.name)
        self._play(key)
        return StartedContainer(runtime_id, bindings, now)

    async def stop(self, task_arn: str, container_name: str, timeout: float) -> None:  # noqa: ASYNC109 - see the port
        spec = self._specs.get((task_arn, container_name))
        script = self.scripts.of(spec.image) if spec else Script()
        killed = script.stop > timeout
        await self._wait(min(script.stop, timeout))
        self._end((task_arn, container_name), 137 if killed else script.stop_exit_code, self._clock.now())

    async def remove(self, task_arn: str) -> None:
        if task_arn in self._networks:
            vpc, network = self._networks.pop(task_arn)
            self._taken.discard((vpc, network.private_ip))
        for name in self._names.pop(task_arn, ()):
            self._containers.pop((task_arn, name), None)
            self._specs.pop((task_arn, name), None)

    async def tidy(self) -> None:
        """Nothing outlives the process."""

    async def stats(self, task_arn: str, container_name: str) -> Mapping[str, Any] | None:
        """A simulated container uses nothing."""
        del task_arn, container_name
        return None

    async def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        """A simulated container writes nothing."""
        del task_arn, container_name, since
        nothing: tuple[LogLine, ...] = ()
        for line in nothing:
            yield line

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)

    def _bind(self, task: TaskSpec, mapping: PortMapping) -> PortBinding:
        port = mapping.host_port or mapping.container_port
        if task.network_mode == "bridge" and not mapping.host_port:
            port = self._next_port if self._next_port <= _LAST_PORT else _FIRST_PORT
            self._next_port = port + 1
        return PortBinding("0.0.0.0", mapping.container_port, port, mapping.protocol)

    def _play(self, key: _Key) -> None:
        """What happens to the container by itself: only scripted containers cost a timer."""
        container, spec = self._containers[key], self._specs[key]
        script, began = self.scripts.of(spec.image), container.started_at or self._clock.now()
        if spec.health_check is not None and container.health == "UNKNOWN":
            self._later(began, script.health_after, lambda _at: self._set_health(key, script.health))
        if script.runs_for is not None:
            self._later(
                began,
                script.runs_for,
                lambda at: self._end(key, script.exit_code, at, out_of_memory=script.out_of_memory),
            )

    async def execute(self, task_arn: str, container_name: str, command: str) -> ExecStream:
        del task_arn, container_name, command
        raise CannotExecuteCommandError("the simulated runtime runs no processes")

    def _later(self, began: datetime, seconds: float, happen: Callable[[datetime], None]) -> None:
        due = began + timedelta(seconds=seconds)

        async def wait() -> None:
            await self._clock.sleep_until(due)
            happen(due)

        timer = asyncio.get_running_loop().create_task(wait())
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    def _set_health(self, key: _Key, health: Health) -> None:
        container = self._containers.get(key)
        if container is not None and container.running:
            self._containers[key] = replace(container, health=health)
            self._observer(HealthChanged(*key, health))

    def _end(self, key: _Key, exit_code: int, at: datetime, *, out_of_memory: bool = False) -> None:
        container = self._containers.get(key)
        if container is None or not container.running:
            return
        self._containers[key] = replace(
            container, running=False, exit_code=exit_code, out_of_memory=out_of_memory, finished_at=at
        )
        self._observer(ContainerExited(*key, container.runtime_id, exit_code, out_of_memory, at))


def _drawn(task_arn: str) -> str:
    """What is drawn for a task: the same each time."""
    return sha256(task_arn.encode()).hexdigest()
