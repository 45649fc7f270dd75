"""Tasks as containers of a real engine, through the Docker SDK in a few threads.

Everything made here bears the label of this server, so that two servers on one engine never touch each other's
containers. One thread follows the engine's events; `observe` tells what happened while nobody listened.
"""

import asyncio
import platform
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, Literal, ParamSpec, TypeVar

import docker
import structlog
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from emulator.runtime import pause
from emulator.runtime.docker_options import (
    CONTAINER,
    PAUSE,
    SERVER,
    TASK,
    container_name,
    create_options,
    labels,
    volume_name,
)
from emulator.runtime.ports import (
    CannotCreateContainerError,
    CannotPullContainerError,
    CannotStartContainerError,
    CannotStopContainerError,
    ContainerExited,
    ContainerNetworkingError,
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

_LOG = structlog.get_logger()
_P = ParamSpec("_P")
_T = TypeVar("_T")
_HEALTH: dict[str, Health] = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}
_CONFLICT = 409
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def unreachable() -> str | None:
    """Why no engine can be used; None where one answers."""
    try:
        client = docker.from_env(timeout=5)
        try:
            client.ping()
        finally:
            client.close()
    except DockerException as error:
        return str(error)
    return None


class DockerRuntime:
    """Carries tasks out on the engine that the environment names (`DOCKER_HOST`, by default the local socket)."""

    kind: Literal["docker"] = "docker"

    def __init__(self, server_id: str, threads: int = 16) -> None:
        self._server_id = server_id
        self._client = docker.from_env(timeout=120, max_pool_size=threads + 2)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="docker")
        self._observer: Callable[[RuntimeEvent], None] = lambda _event: None
        self._events: Any = None
        self._closing = False
        self._follower: threading.Thread | None = None

    async def _call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    async def open(self, observer: Callable[[RuntimeEvent], None]) -> None:
        loop = asyncio.get_running_loop()

        def on_loop(event: RuntimeEvent) -> None:
            loop.call_soon_threadsafe(observer, event)

        self._observer = on_loop
        self._events = await self._call(self._listen)
        self._follower = threading.Thread(target=self._follow, name="docker-events", daemon=True)
        self._follower.start()

    def _listen(self) -> Any:
        filters = {"type": "container", "label": f"{SERVER}={self._server_id}"}
        return self._client.events(decode=True, filters=filters)

    def _follow(self) -> None:
        while not self._closing:
            try:
                for event in self._events:
                    self._on_event(event)
            except (DockerException, OSError, AttributeError, ValueError):
                if not self._closing:
                    _LOG.warning("the engine's events ended; listening again")
            if not self._closing:
                self._events = self._listen()

    def _on_event(self, event: dict[str, Any]) -> None:
        attributes = event["Actor"]["Attributes"]
        task_arn, name = attributes.get(TASK), attributes.get(CONTAINER)
        if task_arn is None or name is None or name == PAUSE:
            return
        action = event["Action"]
        if action == "die":
            found = self._find(event["Actor"]["ID"])
            state = found.attrs["State"] if found is not None else {}
            code = int(attributes.get("exitCode", state.get("ExitCode", 0)))
            at = datetime.fromtimestamp(event["timeNano"] / 1e9, UTC)
            oom = bool(state.get("OOMKilled", False))
            self._observer(ContainerExited(task_arn, name, event["Actor"]["ID"], code, oom, at))
        elif action.startswith("health_status"):
            self._observer(HealthChanged(task_arn, name, _HEALTH.get(action.partition(": ")[2], "UNKNOWN")))

    async def close(self) -> None:
        self._closing = True
        if self._events is not None:
            self._events.close()
        if self._follower is not None:
            await asyncio.to_thread(self._follower.join, 5)
        self._pool.shutdown(wait=True)
        self._client.close()

    async def observe(self) -> Sequence[ObservedContainer]:
        return await self._call(self._observe)

    def _observe(self) -> list[ObservedContainer]:
        found = self._client.containers.list(all=True, filters={"label": f"{SERVER}={self._server_id}"})
        return [_observed(container) for container in found if container.labels.get(CONTAINER) != PAUSE]

    async def provision(self, task: TaskSpec) -> TaskNetwork:
        return await self._call(self._provision, task)

    def _provision(self, task: TaskSpec) -> TaskNetwork:
        name = container_name(task, PAUSE)
        try:
            holder = self._find(name)
            if holder is None:
                network = self._network(task)
                image = self._pause_image()
                holder = self._client.containers.create(
                    image, ["/pause"], name=name, network=network, labels=labels(self._server_id, task, PAUSE)
                )
            if holder.status != "running":
                holder.start()
            holder.reload()
        except APIError as error:
            raise ContainerNetworkingError(_message(error)) from error
        ((_, facts),) = holder.attrs["NetworkSettings"]["Networks"].items()
        return TaskNetwork(facts["IPAddress"], facts["MacAddress"], str(holder.id))

    def _network(self, task: TaskSpec) -> str:
        """A network for the VPC, in the VPC's range, or where that is taken in one that the engine chooses."""
        name = f"ashore-{self._server_id[:12]}-{task.vpc_id or 'vpc'}"
        if self._client.networks.list(names=[f"^{name}$"]):
            return name
        options: dict[str, Any] = {"driver": "bridge", "labels": {SERVER: self._server_id}}
        try:
            cidr = str(ip_network(task.vpc_cidr)) if task.vpc_cidr else None
            ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=cidr)]) if cidr else None
            self._client.networks.create(name, ipam=ipam, check_duplicate=True, **options)
        except APIError:
            self._client.networks.create(name, check_duplicate=True, **options)
        return name

    def _pause_image(self) -> str:
        try:
            return str(self._client.images.get(pause.IMAGE).id)
        except ImageNotFound:
            architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
            repository, _, tag = pause.IMAGE.partition(":")
            self._client.api.import_image_from_data(pause.archive(architecture), repository, tag)
            return str(self._client.images.get(pause.IMAGE).id)

    async def pull(self, image: str, credentials: RegistryCredentials | None, *, always: bool = False) -> PulledImage:
        return await self._call(self._pull, image, credentials, always)

    def _pull(self, image: str, credentials: RegistryCredentials | None, always: bool) -> PulledImage:
        found = None
        try:
            if credentials is None and not always:
                try:
                    found = self._client.images.get(image)
                except ImageNotFound:
                    found = None
            if found is None:
                auth = {"username": credentials.username, "password": credentials.password} if credentials else None
                repository, tag = _reference(image)
                found = self._client.images.pull(repository, tag=tag, auth_config=auth)
        except (APIError, ImageNotFound) as error:
            raise CannotPullContainerError(f"Error response from daemon: {_message(error)}") from error
        digests = [digest.partition("@")[2] for digest in found.attrs.get("RepoDigests") or []]
        return PulledImage(str(found.id), digests[0] if digests else None)

    async def run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        return await self._call(self._run, task, container, image)

    def _run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        try:
            made = self._client.containers.create(**create_options(self._server_id, task, container, image.id))
        except (APIError, ImageNotFound) as error:
            if getattr(error, "status_code", None) != _CONFLICT:
                raise CannotCreateContainerError(f"Error response from daemon: {_message(error)}") from error
            made = self._client.containers.get(container_name(task, container.name))
        try:
            if made.attrs["State"]["Status"] == "created":
                made.start()
        except APIError as error:
            raise CannotStartContainerError(f"Error response from daemon: {_message(error)}") from error
        made.reload()
        return StartedContainer(str(made.id), _bindings(made), _instant(made.attrs["State"]["StartedAt"]) or _NEVER)

    async def stop(self, task_arn: str, container_name: str, timeout: float) -> None:  # noqa: ASYNC109 - see the port
        await self._call(self._stop, task_arn, container_name, timeout)

    def _stop(self, task_arn: str, name: str, timeout: float) -> None:
        for container in self._of_task(task_arn):
            if container.labels.get(CONTAINER) == name:
                try:
                    container.stop(timeout=int(timeout))
                except NotFound:
                    return
                except APIError as error:
                    raise CannotStopContainerError(_message(error)) from error

    async def remove(self, task_arn: str) -> None:
        await self._call(self._remove, task_arn)

    def _remove(self, task_arn: str) -> None:
        found = self._of_task(task_arn)
        for container in sorted(found, key=lambda container: container.labels.get(CONTAINER) == PAUSE):
            try:
                container.remove(force=True, v=True)
            except NotFound:
                continue
        for volume in self._client.volumes.list(filters={"name": volume_name(task_arn, "")}):
            volume.remove(force=True)

    async def cleanup(self) -> None:
        """Remove everything that bears this server's label."""
        await self._call(self._cleanup)

    def _cleanup(self) -> None:
        mine: dict[str, str | list[str] | bool] = {"label": f"{SERVER}={self._server_id}"}
        for container in self._client.containers.list(all=True, filters=mine):
            container.remove(force=True, v=True)
        for network in self._client.networks.list(filters=mine):
            network.remove()

    async def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        """What the container has written so far, line by line."""
        for line in await self._call(self._lines, task_arn, container_name, since):
            yield line

    def _lines(self, task_arn: str, name: str, since: datetime | None) -> list[LogLine]:
        lines = []
        for container in self._of_task(task_arn):
            if container.labels.get(CONTAINER) == name:
                for raw in container.logs(timestamps=True, since=since).decode(errors="replace").splitlines():
                    stamp, _, message = raw.partition(" ")
                    lines.append(LogLine(_instant(stamp) or _NEVER, message))
        return lines

    def _of_task(self, task_arn: str) -> list[Container]:
        filters: dict[str, str | list[str] | bool] | None = {
            "label": [f"{SERVER}={self._server_id}", f"{TASK}={task_arn}"]
        }
        return self._client.containers.list(all=True, filters=filters)

    def _find(self, name: str) -> Container | None:
        try:
            return self._client.containers.get(name)
        except NotFound:
            return None


def _reference(image: str) -> tuple[str, str]:
    """Repository and tag or digest; the tag is `latest` where none is named."""
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    path, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{path}{slash}{name}", tag or "latest"


def _message(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)


def _instant(text: str) -> datetime | None:
    """The engine's instants have nanoseconds; the year 1 stands for never."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?", text)
    if found is None or text.startswith("0001"):
        return None
    return datetime.fromisoformat(found.group(1) + (found.group(2) or "")).replace(tzinfo=UTC)


def _bindings(container: Container) -> tuple[PortBinding, ...]:
    found = []
    for port, published in (container.attrs["NetworkSettings"]["Ports"] or {}).items():
        number, _, protocol = port.partition("/")
        for entry in published or []:
            protocol_: Literal["tcp", "udp"] = "udp" if protocol == "udp" else "tcp"
            found.append(PortBinding(entry["HostIp"], int(number), int(entry["HostPort"]), protocol_))
    return tuple(found)


def _observed(container: Container) -> ObservedContainer:
    container.reload()
    state = container.attrs["State"]
    running = state["Status"] in {"running", "paused", "restarting"}
    return ObservedContainer(
        task_arn=container.labels[TASK],
        container_name=container.labels[CONTAINER],
        runtime_id=str(container.id),
        running=running,
        exit_code=None if running or state["Status"] == "created" else state["ExitCode"],
        out_of_memory=state.get("OOMKilled", False),
        health=_HEALTH.get(state.get("Health", {}).get("Status", ""), "UNKNOWN"),
        started_at=_instant(state["StartedAt"]),
        finished_at=None if running else _instant(state["FinishedAt"]),
        bindings=_bindings(container),
    )
