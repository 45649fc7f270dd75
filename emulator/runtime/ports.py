"""The port between tasks and what carries them out: values, named faults, and the interface that each runtime implements.

Every command may be given again (after a crash nobody knows whether it was carried out): it then finds what is there and
answers the same. Names and labels tell the runtime's own things from everything else on the engine.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


class RuntimeFault(Exception):
    """A container's failure, under the name that the ECS agent gives it; `reason` ends in the container's `reason`."""

    @property
    def reason(self) -> str:
        """`NAME: message`, as DescribeTasks shows it."""
        return f"{type(self).__name__}: {self}"


class CannotPullContainerError(RuntimeFault):
    """The image cannot be had."""


class CannotCreateContainerError(RuntimeFault):
    """The engine refuses to create the container."""


class CannotStartContainerError(RuntimeFault):
    """The container was created but its process cannot be started."""


class CannotStopContainerError(RuntimeFault):
    """The engine cannot stop the container."""


class ContainerNetworkingError(RuntimeFault):
    """The task's network cannot be made."""


class ResourceInitializationError(RuntimeFault):
    """Something that the task needs before its containers (a log group, a secret) cannot be had."""


class DockerTimeoutError(RuntimeFault):
    """The engine did not answer in time."""


class OutOfMemoryError(RuntimeFault):
    """The kernel killed the container for using more memory than its limit."""

    def __init__(self, message: str = "Container killed due to memory usage") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """A user and a password for one registry; never logged."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A container port to publish. `host_port` 0 asks for any free port of the host."""

    container_port: int
    host_port: int
    protocol: Literal["tcp", "udp"] = "tcp"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """ECS's health check; durations in seconds."""

    command: tuple[str, ...]
    """Begins with CMD or CMD-SHELL."""
    interval: float = 30
    timeout: float = 5
    retries: int = 3
    start_period: float = 0


@dataclass(frozen=True, slots=True)
class Ulimit:
    """A limit of the container's processes."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume or a folder of this machine inside a container."""

    source: str
    """A volume's name (scoped to the task unless `shared`) or an absolute path of this machine."""
    target: str
    read_only: bool = False
    kind: Literal["task-volume", "shared-volume", "bind"] = "task-volume"


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container of a task, with the task's overrides applied."""

    name: str
    image: str
    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    cpu: int = 0
    """CPU units; becomes a share, not a limit, as on EC2."""
    memory: int | None = None
    """Hard limit in MiB."""
    memory_reservation: int | None = None
    """Soft limit in MiB."""
    user: str | None = None
    working_directory: str | None = None
    ports: tuple[PortMapping, ...] = ()
    health_check: HealthCheck | None = None
    ulimits: tuple[Ulimit, ...] = ()
    docker_labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[tuple[str, bool], ...] = ()
    """(container name, read only)"""
    links: tuple[str, ...] = ()
    """`name` or `name:alias`."""
    extra_hosts: tuple[tuple[str, str], ...] = ()
    """(host name, address)"""
    dns_servers: tuple[str, ...] = ()
    hostname: str | None = None
    privileged: bool = False
    read_only_root: bool = False
    interactive: bool = False
    pseudo_terminal: bool = False
    init_process: bool = False
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    system_controls: tuple[tuple[str, str], ...] = ()
    shared_memory_mib: int | None = None
    stop_timeout: float = 30


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a runtime must know of a task beside its containers."""

    arn: str
    cluster_arn: str
    family: str
    revision: int
    service_arn: str | None
    container_instance_arn: str | None
    network_mode: Literal["bridge", "host", "none", "awsvpc"]
    host_address: str | None
    """The loopback address on which the host publishes ports; None on Fargate."""
    vpc_cidr: str | None = None
    """awsvpc: the range of the task's VPC, for the network that stands for it."""
    vpc_id: str | None = None
    private_ip: str | None = None
    """awsvpc: the address wished for; the runtime answers with the one it got."""
    cpu_limit: int | None = None
    """Task-level CPU units, a hard limit where given."""
    memory_limit: int | None = None
    """Task-level MiB."""
    system_controls: tuple[tuple[str, str], ...] = ()
    """awsvpc: the containers' `net.*` settings, which hold for the whole namespace."""
    dns_servers: tuple[str, ...] = ()
    """awsvpc: the containers' name servers, which hold for the whole namespace."""


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


RuntimeEvent = ContainerExited | HealthChanged


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

    async def provision(self, task: TaskSpec) -> TaskNetwork:
        """awsvpc: make the task's network namespace and address."""

    async def pull(self, image: str, credentials: RegistryCredentials | None, *, always: bool = False) -> PulledImage:
        """Have `image` ready: pulled where credentials are given or `always`, else taken from the engine if it is there.

        Raises:
            CannotPullContainerError: it cannot be had.

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

    def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        """What the container writes, from `since` on, until it ends."""
