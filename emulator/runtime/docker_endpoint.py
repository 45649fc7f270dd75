"""Which engine is used, and whether it answers: `DOCKER_HOST`, else the docker command's current context, else the local socket."""

import os
from dataclasses import dataclass
from typing import Literal

import docker
from docker.context import ContextAPI
from docker.errors import DockerException

_PATIENCE = 5
"""Seconds that an engine has to say its version."""

_SLOWEST = 240
"""Seconds that any one request may take: the agent's own limit for making a container."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers."""

    version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class NoEngine:
    """Why there is none, under the error id that `ashore doctor` explains."""

    id: Literal["ASH-D001", "ASH-D002"]
    reason: str


def endpoint() -> str:
    """The engine's address, as `DOCKER_HOST` writes it."""
    named = os.environ.get("DOCKER_HOST")
    if named:
        return named
    context = ContextAPI.get_current_context()
    return str(context.Host) if context.Host else "unix:///var/run/docker.sock"


def connect(pool: int, timeout: int = _SLOWEST) -> docker.APIClient:
    """A client of the engine, for `pool` threads at once.

    Raises:
        DockerException: no engine answers.

    """
    if os.environ.get("DOCKER_HOST"):  # with the certificates that the environment names
        return docker.from_env(timeout=timeout, max_pool_size=pool).api
    return docker.APIClient(endpoint(), version="auto", timeout=timeout, max_pool_size=pool)


def detect() -> Engine | NoEngine:
    """Ask the engine for its version."""
    try:
        client = connect(1, _PATIENCE)
        try:
            version = client.version(api_version=False)
        finally:
            client.close()
    except (DockerException, OSError) as error:
        return _explained(error)
    return Engine(version["Version"], version["ApiVersion"])


def _explained(error: Exception) -> NoEngine:
    address = endpoint().removeprefix("unix://")
    for cause in _causes(error):
        if isinstance(cause, PermissionError):
            return NoEngine("ASH-D002", f"Permission denied on the Docker socket (`{address}`).")
        if isinstance(cause, FileNotFoundError):
            return NoEngine("ASH-D001", f"Docker not reachable (`{address}`: no such file).")
        if isinstance(cause, ConnectionRefusedError):
            return NoEngine("ASH-D001", f"Docker not reachable (`{address}`: connection refused).")
    return NoEngine("ASH-D001", f"Docker not reachable (`{address}`: {error}).")


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it came from; the HTTP libraries hand the system's error on as an argument."""
    found: list[BaseException] = []
    left: list[object] = [error]
    while left:
        item = left.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            left += [*item.args, item.__cause__, item.__context__, getattr(item, "reason", None)]
    return found


def unreachable() -> str | None:
    """Why no engine can be used; None where one answers."""
    found = detect()
    return found.reason if isinstance(found, NoEngine) else None
