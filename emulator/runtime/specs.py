"""What is wanted of the runtime: tasks and their containers as values, in the engine's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


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
class Tmpfs:
    """A folder in memory."""

    target: str
    size_mib: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """A device of this machine inside a container."""

    host_path: str
    container_path: str
    permissions: str
    """Of `rwm`: read, write, mknod."""


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
    dns_search: tuple[str, ...] = ()
    hostname: str | None = None
    privileged: bool = False
    read_only_root: bool = False
    interactive: bool = False
    pseudo_terminal: bool = False
    init_process: bool = False
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    system_controls: tuple[tuple[str, str], ...] = ()
    security_options: tuple[str, ...] = ()
    shared_memory_mib: int | None = None
    tmpfs: tuple[Tmpfs, ...] = ()
    devices: tuple[Device, ...] = ()
    swap_mib: int = 0
    """Beyond the hard limit of memory; ECS's machines have none unless a container asks for it."""
    swappiness: int | None = None
    """0 to 100; only with swap."""
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
    subnet_cidr: str | None = None
    """awsvpc: the part of the VPC's range that the task's address should be from."""
    private_ip: str | None = None
    """awsvpc: the address wished for; the runtime answers with the one it got."""
    pid_mode: Literal["host", "task"] | None = None
    """Whose processes containers see: this machine's, or each other's (awsvpc only); None: their own."""
    ipc_mode: Literal["host", "task", "none"] | None = None
    """The same of shared memory and semaphores."""
    cpu_limit: int | None = None
    """Task-level CPU units, a hard limit where given."""
    memory_limit: int | None = None
    """Task-level MiB."""
    system_controls: tuple[tuple[str, str], ...] = ()
    """awsvpc: the containers' `net.*` settings, which hold for the whole namespace."""
    dns_servers: tuple[str, ...] = ()
    """awsvpc: the containers' name servers, which hold for the whole namespace."""
