"""Which engine is used, and whether it answers: `DOCKER_HOST`, else the docker command's current context, else the local socket."""

import os
import socket
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
    address = endpoint()
    try:
        _knock(address)
        client = connect(1, _PATIENCE)
        try:
            version = client.version(api_version=False)
        finally:
            client.close()
    except PermissionError:
        return NoEngine("ASH-D002", f"Permission denied on the Docker socket (`{address.removeprefix('unix://')}`).")
    except (DockerException, OSError) as error:
        return NoEngine("ASH-D001", f"Docker not reachable (`{address.removeprefix('unix://')}`: {_told(error)}).")
    return Engine(version["Version"], version["ApiVersion"])


def _knock(address: str) -> None:
    """Try a local socket by hand: the system's own error is buried four layers deep in what the SDK raises."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as tried:
            tried.settimeout(_PATIENCE)
            tried.connect(address.removeprefix("unix://"))


def _told(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case ConnectionRefusedError():
            return "connection refused"
    return str(error)


def unreachable() -> str | None:
    """Why no engine can be used; None where one answers."""
    found = detect()
    return found.reason if isinstance(found, NoEngine) else None
