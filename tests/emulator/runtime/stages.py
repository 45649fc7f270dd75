"""Where the conformance suite plays: containers that behave alike on each runtime, and somebody who watches them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import uuid4

from emulator.clock import Clock
from emulator.runtime.docker import DockerRuntime
from emulator.runtime.ports import ContainerExited, ContainerRuntime, HealthChanged, RuntimeEvent, StartedContainer
from emulator.runtime.simulated import Script, SimulatedRuntime
from emulator.runtime.specs import ContainerSpec, HealthCheck, TaskSpec

_PATIENCE = 30
_E = TypeVar("_E", ContainerExited, HealthChanged)


def task(**changes: Any) -> TaskSpec:
    """A task in bridge mode on a host of its own address."""
    standard = TaskSpec(
        arn=f"arn:aws:ecs:us-east-1:000000000000:task/default/{uuid4().hex}",
        cluster_arn="arn:aws:ecs:us-east-1:000000000000:cluster/default",
        family="conformance",
        revision=1,
        service_arn=None,
        container_instance_arn=None,
        network_mode="bridge",
        host_address="127.10.77.2",
    )
    return replace(standard, **changes)


@dataclass(slots=True)
class Witness:
    """Keeps all events, and waits for one."""

    events: list[RuntimeEvent] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: RuntimeEvent) -> None:
        self.events.append(event)
        self.arrived.set()

    async def exit_of(self, name: str) -> ContainerExited:
        return await self._first(ContainerExited, lambda event: event.container_name == name)

    async def health_of(self, name: str) -> HealthChanged:
        return await self._first(HealthChanged, lambda event: event.container_name == name)

    async def _first(self, kind: type[_E], fits: Callable[[_E], bool]) -> _E:
        async with asyncio.timeout(_PATIENCE):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and fits(event):
                        return event
                self.arrived.clear()
                await self.arrived.wait()


CONTAINERS: dict[str, tuple[ContainerSpec, Script]] = {
    "polite": (
        ContainerSpec("polite", "", command=("sh", "-c", "trap 'exit 143' TERM; echo ready; sleep 300 & wait")),
        Script(),
    ),
    "deaf": (
        ContainerSpec("deaf", "", command=("sh", "-c", "echo ready; exec sleep 300")),
        Script(stop=3600),
    ),
    "failing": (
        ContainerSpec("failing", "", command=("sh", "-c", "exit 3")),
        Script(runs_for=0.01, exit_code=3),
    ),
    "healthy": (
        ContainerSpec("healthy", "", command=("sleep", "300"), health_check=HealthCheck(("CMD", "true"), interval=1)),
        Script(health="HEALTHY", health_after=0.01),
    ),
    "sick": (
        ContainerSpec(
            "sick", "", command=("sleep", "300"), health_check=HealthCheck(("CMD-SHELL", "false"), 1, retries=1)
        ),
        Script(health="UNHEALTHY", health_after=0.01),
    ),
    "greedy": (
        ContainerSpec("greedy", "", command=("tail", "/dev/zero"), memory=8),
        Script(runs_for=0.01, exit_code=137, out_of_memory=True),
    ),
    "absent": (
        ContainerSpec("absent", ""),
        Script(pull_error="Error response from daemon: no such repository"),
    ),
    "broken": (
        ContainerSpec("broken", "", command=("no-such-program",)),
        Script(start_error="Error response from daemon: exec: no-such-program: executable file not found in $PATH"),
    ),
}
"""What a container does → how it does it on the engine and in the simulation."""


class Stage:
    """A runtime that is watched."""

    def __init__(self, runtime: ContainerRuntime, image: str | None) -> None:
        self.runtime, self._image = runtime, image
        self.witness = Witness()

    def container(self, behaviour: str) -> ContainerSpec:
        """A container named for what it does."""
        image = self._image or f"simulated/{behaviour}:1"
        if behaviour == "absent":
            image = "localhost:1/absent:1"
        return replace(CONTAINERS[behaviour][0], image=image)

    def dockerfile(self, *lines: str) -> str:
        """A Dockerfile on the stage's image."""
        return "\n".join([f"FROM {self._image or 'simulated/base:1'}", *lines])

    async def start(self, of: TaskSpec, container: ContainerSpec) -> StartedContainer:
        """Pull and run."""
        image = await self.runtime.pull(container.image, None)
        return await self.runtime.run(of, container, image)

    async def ready(self, of: TaskSpec, container: ContainerSpec) -> None:
        """Wait until the container has said a word; simulated ones never do, and need no time."""
        async for _ in self.runtime.logs(of.arn, container.name, None):
            return


@asynccontextmanager
async def simulated_stage() -> AsyncIterator[Stage]:
    runtime = SimulatedRuntime(Clock())
    runtime.script("ashore-test/wrong:*", Script(build_error="about to fail\nThe command returned a non-zero code: 3"))
    for behaviour, (_, script) in CONTAINERS.items():
        runtime.script(f"*/{behaviour}:1", script)
    stage = Stage(runtime, None)
    await runtime.open(stage.witness)
    try:
        yield stage
    finally:
        await runtime.close()


@asynccontextmanager
async def docker_stage(image: str, server_id: str | None = None, *, keep: bool = False) -> AsyncIterator[Stage]:
    """Everything is removed at the end, unless it is to be found by another runtime."""
    runtime = DockerRuntime(server_id or f"test{uuid4().hex}")
    stage = Stage(runtime, image)
    await runtime.open(stage.witness)
    try:
        yield stage
    finally:
        if not keep:
            await runtime.cleanup()
        await runtime.close()
