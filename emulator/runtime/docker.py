"""Tasks as containers of a real engine, through the Docker SDK in a few threads.

Everything made here bears the label of this server, so that two servers on one engine never touch each other's
containers. Threads carry requests only: nothing waits in one for a container to end, the engine's events tell it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, cast

from docker.errors import APIError, NotFound

from emulator.clock import Clock
from emulator.runtime import docker_builds, docker_copies, docker_exec, docker_images, docker_logs, docker_networks
from emulator.runtime.builds import BuildSpec, BuiltImage
from emulator.runtime.docker_calls import create_container
from emulator.runtime.docker_documents import (
    ContainerDocument,
    ListedContainer,
    ListedVolume,
    addresses,
    bindings,
    instant,
    observed,
)
from emulator.runtime.docker_endpoint import connect, detect, unreachable
from emulator.runtime.docker_events import EventFollower
from emulator.runtime.docker_faults import CONFLICT, told_as
from emulator.runtime.docker_networks import NETWORK, VpcNetworks
from emulator.runtime.docker_options import CONTAINER, PAUSE, SERVER, TASK, container_name, create_document
from emulator.runtime.faults import (
    CannotCreateContainerError,
    CannotExecuteCommandError,
    CannotStartContainerError,
    CannotStopContainerError,
)
from emulator.runtime.ports import (
    ContainerExited,
    ExecStream,
    LogLine,
    ObservedContainer,
    PortBinding,
    PulledImage,
    RuntimeEvent,
    StartedContainer,
    TaskNetwork,
)
from emulator.runtime.specs import ContainerSpec, RegistryCredentials, TaskSpec

__all__ = ["DockerRuntime", "detect", "unreachable"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_KILLED_WITHIN = 30.0
"""Seconds that the engine has to tell the end of a container after SIGKILL."""


class DockerRuntime:
    """Carries tasks out on the engine that `docker_endpoint.endpoint` names.

    Args:
        server_id: whose containers these are.
        clock: what instants are told in; real time where None.
        threads: requests to the engine at once.

    """

    kind: Literal["docker"] = "docker"

    def __init__(self, server_id: str, clock: Clock | None = None, threads: int = 16) -> None:
        self._server_id, self._clock = server_id, clock or Clock()
        self._api = connect(threads + 2)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="docker")
        self._networks = VpcNetworks(self._api, server_id)
        self._exits: dict[str, asyncio.Future[None]] = {}
        self._removing_images = asyncio.Lock()
        """Container → what waits for its end."""
        self._follower: EventFollower | None = None

    async def _call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def _ours(self, engines: datetime) -> datetime:
        """An instant of the engine, which lives in real time, on the clock."""
        return min(engines + self._clock.offset(), self._clock.now())

    async def open(self, observer: Callable[[RuntimeEvent], None]) -> None:
        loop = asyncio.get_running_loop()

        def arrived(event: RuntimeEvent) -> None:
            observer(event)
            if isinstance(event, ContainerExited):
                waiting = self._exits.get(event.runtime_id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)

        def report(event: RuntimeEvent) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(arrived, event)

        self._follower = EventFollower(self._api, self._server_id, self._ours, report)
        await self._call(self._follower.open)

    async def close(self) -> None:
        if self._follower is not None:
            await asyncio.to_thread(self._follower.close)
        await asyncio.to_thread(self._pool.shutdown)
        self._api.close()

    async def observe(self) -> Sequence[ObservedContainer]:
        ids = [listed["Id"] for listed in await self._call(self._list) if listed["Labels"].get(CONTAINER) != PAUSE]
        found = await asyncio.gather(*(self._call(self._inspect, runtime_id) for runtime_id in ids))
        return [observed(document, self._ours) for document in found if document is not None]

    async def held(self) -> Collection[str]:
        return await self._call(self._held)

    def _held(self) -> set[str]:
        volumes = self._volumes()
        labels = [listed["Labels"] for listed in self._list()] + [volume["Labels"] or {} for volume in volumes]
        return {found[TASK] for found in labels if TASK in found}

    async def task_address(self) -> str | None:
        return await self._call(docker_networks.own_address, self._api, docker_networks.TASK)

    async def instance_address(self) -> str | None:
        return await self._call(docker_networks.own_address, self._api, docker_networks.INSTANCE)

    async def task_at(self, address: str) -> str | None:
        listed = await self._call(self._list)
        return next((found["Labels"][TASK] for found in listed if address in addresses(found)), None)

    async def provision(self, task: TaskSpec) -> TaskNetwork:
        return await self._call(self._networks.provision, task)

    async def pull(self, image: str, credentials: RegistryCredentials | None, *, always: bool = False) -> PulledImage:
        return await self._call(docker_images.have, self._api, image, credentials, always=always)

    async def build(
        self, build: BuildSpec, credentials: Mapping[str, RegistryCredentials], say: Callable[[str], None]
    ) -> BuiltImage:
        return await docker_builds.carry_out(docker_builds.Build(self._api, self._server_id, build), credentials, say)

    async def remove_images(self, labels: Mapping[str, str]) -> bool:
        async with self._removing_images:  # an engine fails that is asked for two with shared layers at once
            return await self._call(docker_builds.remove_images, self._api, self._server_id, labels)

    async def copy_out(self, image: str, path: str, target: Path) -> bool:
        return await self._call(docker_copies.copy_out, self._api, self._server_id, image, path, target)

    async def run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        return await self._call(self._run, task, container, image)

    def _run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        name = container_name(task, container.name)
        document = create_document(self._server_id, task, container, image.id)
        with told_as(CannotCreateContainerError, "created"):
            runtime_id, was_there = self._create(document, name)
        with told_as(CannotStartContainerError, "started"):
            if not was_there or not self._was_started(runtime_id):
                self._api.start(runtime_id)
                published = _known_bindings(task, container)
                if published is not None:
                    return StartedContainer(runtime_id, published, self._clock.now())
            found = cast("ContainerDocument", self._api.inspect_container(runtime_id))
        started = instant(found["State"]["StartedAt"])
        return StartedContainer(runtime_id, bindings(found), self._ours(started) if started else self._clock.now())

    def _create(self, document: dict[str, Any], name: str) -> tuple[str, bool]:
        """The container's id, and whether an earlier command had made it."""
        try:
            return create_container(self._api, document, name), False
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            try:
                return str(self._api.inspect_container(name)["Id"]), True
            except NotFound:  # it was another conflict
                raise error from None

    def _was_started(self, runtime_id: str) -> bool:
        document = self._inspect(runtime_id)
        return document is not None and instant(document["State"]["StartedAt"]) is not None

    async def stop(self, task_arn: str, container_name: str, timeout: float) -> None:  # noqa: ASYNC109 - see the port
        for listed in await self._call(self._list, f"{TASK}={task_arn}", f"{CONTAINER}={container_name}"):
            runtime_id = listed["Id"]
            ended = self._exits.setdefault(runtime_id, asyncio.get_running_loop().create_future())
            try:
                with told_as(CannotStopContainerError, "stopped"):
                    await self._stop(runtime_id, ended, timeout)
            finally:
                self._exits.pop(runtime_id, None)

    async def _stop(self, runtime_id: str, ended: asyncio.Future[None], grace: float) -> None:
        found = await self._call(self._inspect, runtime_id)
        if found is None or found["State"]["Status"] != "running":
            return
        for signal, patience in ((found["Config"].get("StopSignal") or "SIGTERM", grace), ("SIGKILL", _KILLED_WITHIN)):
            if not await self._call(self._kill, runtime_id, signal):
                return
            # the engine's containers live in real time, whatever the clock shows
            done, _ = await asyncio.wait([ended], timeout=patience)
            if done:
                return
        raise CannotStopContainerError(f"the container did not end within {_KILLED_WITHIN:.0f}s of SIGKILL")

    def _kill(self, runtime_id: str, signal: str) -> bool:
        """Whether there was something to send the signal to."""
        try:
            self._api.kill(runtime_id, signal)
        except NotFound:
            return False
        except APIError as error:
            if error.status_code == CONFLICT:  # it is not running
                return False
            raise
        return True

    async def remove(self, task_arn: str) -> None:
        await self._call(self._remove, f"{TASK}={task_arn}")

    def _remove(self, *labels: str) -> None:
        """Containers first, then the namespace that they share, then what only they used."""
        found = self._list(*labels)
        for listed in sorted(found, key=lambda listed: listed["Labels"].get(CONTAINER) == PAUSE):
            try:
                self._api.remove_container(listed["Id"], v=True, force=True)
            except NotFound:
                pass
            except APIError as error:
                if error.status_code != CONFLICT:  # its removal is under way
                    raise
            if self._follower is not None:
                self._follower.removed(listed["Id"], never_ran=listed["State"] == "created")
        for volume in self._volumes(*labels):
            self._api.remove_volume(volume["Name"], force=True)
        for network in {listed["Labels"].get(NETWORK) for listed in found} - {None}:
            self._networks.release(str(network))

    async def cleanup(self) -> None:
        """Remove everything that bears this server's label: containers, volumes (shared ones too), networks, built images."""
        await self._call(self._remove)
        await self.remove_images({})
        await self.tidy()

    async def tidy(self) -> None:
        await self._call(docker_copies.forget, self._api, self._server_id)
        await self._call(self._networks.release_all)

    async def stats(self, task_arn: str, container_name: str) -> Mapping[str, Any] | None:
        for listed in await self._call(self._list, f"{TASK}={task_arn}", f"{CONTAINER}={container_name}"):
            found: Mapping[str, Any] = await self._call(self._api.stats, listed["Id"], stream=False, one_shot=True)
            return found
        return None

    async def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        """Instants are the engine's, in real time: a log is carried on exactly where it ended."""
        for listed in await self._call(self._list, f"{TASK}={task_arn}", f"{CONTAINER}={container_name}"):
            lines = docker_logs.follow(self._api, listed["Id"], since)
            try:
                async for line in lines:
                    yield line
            finally:
                await lines.aclose()

    async def execute(self, task_arn: str, container_name: str, command: str) -> ExecStream:
        for listed in await self._call(self._list, f"{TASK}={task_arn}", f"{CONTAINER}={container_name}"):
            return await self._call(docker_exec.start, self._api, listed["Id"], command)
        raise CannotExecuteCommandError(f"no such container: {container_name}")

    def _list(self, *labels: str) -> list[ListedContainer]:
        filters = {"label": [f"{SERVER}={self._server_id}", *labels]}
        return cast("list[ListedContainer]", self._api.containers(all=True, filters=filters))

    def _volumes(self, *labels: str) -> list[ListedVolume]:
        found = self._api.volumes(filters={"label": [f"{SERVER}={self._server_id}", *labels]})
        return cast("list[ListedVolume]", found["Volumes"] or [])

    def _inspect(self, runtime_id: str) -> ContainerDocument | None:
        try:
            return cast("ContainerDocument", self._api.inspect_container(runtime_id))
        except NotFound:
            return None


def _known_bindings(task: TaskSpec, container: ContainerSpec) -> tuple[PortBinding, ...] | None:
    """How the ports come out, where the engine need not be asked: it chooses dynamic ones only."""
    if task.network_mode in {"awsvpc", "none"}:
        return ()
    if task.network_mode == "bridge" and not all(port.host_port for port in container.ports):
        return None
    address = task.host_address or "127.0.0.1"
    return tuple(
        PortBinding("0.0.0.0", port.container_port, port.container_port, port.protocol)
        if task.network_mode == "host"
        else PortBinding(address, port.container_port, port.host_port, port.protocol)
        for port in container.ports
    )
