"""The port between tasks and what carries them out: what is observed, and the interface that each runtime implements.

Every command may be given again (after a crash nobody knows whether it was carried out): it then finds what is there and
answers the same. Names and labels tell the runtime's own things from everything else on the engine.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from emulator.runtime.builds import BuildSpec, BuiltImage
from emulator.runtime.specs import ContainerSpec, RegistryCredentials, TaskSpec


@dataclass(frozen=True, slots=True)
class TaskNetwork:
    """awsvpc: the task's own network namespace."""

    private_ip: str
    mac_address: str
    namespace: str
    """The runtime's id of what holds the namespace (the pause container)."""


@dataclass(frozen=True, slots=True)
class PulledImage:
    """An image that is ready on the engine."""

    id: str
    digest: str | None
    """The repository digest (`sha256:…`); None where the image never was in a registry."""


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A published port as it really came out."""

    bind_ip: str
    container_port: int
    host_port: int
    protocol: Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class StartedContainer:
    """A container that runs (or ran: `ContainerExited` follows)."""

    runtime_id: str
    bindings: tuple[PortBinding, ...]
    started_at: datetime


Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class ContainerExited:
    """A container's process ended."""

    task_arn: str
    container_name: str
    runtime_id: str
    exit_code: int
    out_of_memory: bool
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A container's health check came to a new result."""

    task_arn: str
    container_name: str
    health: Health


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The runtime was out of reach for a while. Ends of containers that it still knows have been told before this."""


RuntimeEvent = ContainerExited | HealthChanged | Reconnected


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    """A container of ours found on the engine."""

    task_arn: str
    container_name: str
    runtime_id: str
    running: bool
    exit_code: int | None
    out_of_memory: bool
    health: Health
    started_at: datetime | None
    finished_at: datetime | None
    bindings: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a container wrote."""

    at: datetime
    message: str


class ExecStream(Protocol):
    """A process with a terminal that was started in a running container."""

    async def read(self) -> bytes:
        """What it wrote next; empty once it has ended."""

    async def write(self, data: bytes) -> None:
        """Keystrokes. What has ended takes none."""

    async def resize(self, columns: int, rows: int) -> None:
        """Tell it the size of the terminal."""

    async def exit_code(self) -> int | None:
        """How it ended; None while it runs."""

    async def close(self) -> None:
        """Hang up: interrupt it, tell it the end of its input, and let go of it."""


class ContainerRuntime(Protocol):
    """Carries tasks out. All methods raise `RuntimeFault` subclasses for the container's troubles."""

    @property
    def kind(self) -> Literal["docker", "simulated"]:
        """What it is; shown wherever status is shown."""

    async def open(self, observer: Callable[[RuntimeEvent], None]) -> None:
        """Begin to watch; `observer` is called on the event loop for each event from now on."""

    async def close(self) -> None:
        """Stop watching. Containers go on."""

    async def observe(self) -> Sequence[ObservedContainer]:
        """Every container of this server that the engine has, running or not (pause containers excluded)."""

    async def held(self) -> Collection[str]:
        """ARNs of the tasks of which anything is left, be it only a namespace or a volume."""

    async def task_address(self) -> str | None:
        """The address of this machine at which every container reaches it; None where there is none."""

    async def instance_address(self) -> str | None:
        """The address at which every container looks for its instance's metadata, made this machine's; None where it cannot be."""

    async def task_at(self, address: str) -> str | None:
        """The ARN of the task that has this address in a network of the engine; None where none has."""

    async def provision(self, task: TaskSpec) -> TaskNetwork:
        """awsvpc: make the task's network namespace and address."""

    async def pull(self, image: str, credentials: RegistryCredentials | None, *, always: bool = False) -> PulledImage:
        """Have `image` ready: pulled where credentials are given or `always`, else taken from the engine if it is there.

        Raises:
            CannotPullContainerError: it cannot be had.

        """

    async def build(
        self, build: BuildSpec, credentials: Mapping[str, RegistryCredentials], say: Callable[[str], None]
    ) -> BuiltImage:
        """Build an image; `say` is called on the event loop with each line of output. Given up where it is cancelled.

        Args:
            build: from what.
            credentials: registry (`host[:port]`, `docker.io`) → credentials for base images.
            say: what takes the output.

        Raises:
            CannotBuildImageError: it failed.

        """

    async def remove_images(self, labels: Mapping[str, str]) -> bool:
        """Remove images that were built with all these labels. Whether none is left: one stays as long as a container uses it."""

    async def copy_out(self, image: str, path: str, target: Path) -> bool:
        """Have the folder `target` of this machine be what a built image has at `path`.

        False: there is no folder of this name, or the runtime has no files.
        """

    async def run(self, task: TaskSpec, container: ContainerSpec, image: PulledImage) -> StartedContainer:
        """Create and start a container.

        Raises:
            CannotCreateContainerError: it could not be created.
            CannotStartContainerError: its process could not be started.

        """

    async def stop(self, task_arn: str, container_name: str, timeout: float) -> None:  # noqa: ASYNC109 - the engine's own
        """SIGTERM, then SIGKILL after `timeout` seconds. Returns once the process has ended; `ContainerExited` tells how."""

    async def remove(self, task_arn: str) -> None:
        """Remove everything of the task: containers, namespace, task volumes."""

    async def tidy(self) -> None:
        """Remove what is nobody's: a server that was killed while it removed a task has left the network that the task was in."""

    async def stats(self, task_arn: str, container_name: str) -> Mapping[str, Any] | None:
        """What the container uses, as the engine's own document; None where nothing is measured."""

    def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        """What the container writes, from `since` on, until it ends."""

    async def execute(self, task_arn: str, container_name: str, command: str) -> ExecStream:
        """Start a command with a terminal, as root, in a running container.

        Raises:
            CannotExecuteCommandError: there is no such process or container, or the runtime has no processes.

        """
