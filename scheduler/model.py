"""The values that decisions are made from: hosts as they are, and what a task asks of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Node:
    """A container instance at one instant."""

    id: str
    """Container instance ARN."""
    instance_id: str
    """EC2 instance id."""
    attributes: Mapping[str, str | None]
    cpu: int
    """Registered CPU units."""
    memory: int
    """Registered MiB."""
    remaining_cpu: int
    remaining_memory: int
    registered_at: datetime
    status: str = "ACTIVE"
    agent_connected: bool = True
    agent_version: str = ""
    tcp_ports: frozenset[int] = frozenset()
    """Ports in use, those that the agent reserves included."""
    udp_ports: frozenset[int] = frozenset()
    gpus: int = 0
    """Free GPUs."""
    enis: int = 0
    """Free network interfaces for awsvpc tasks."""
    groups: tuple[str, ...] = ()
    """The group of each task on the host whose desired status is RUNNING."""
    running_tasks: int = 0
    capacity_provider: str | None = None

    @property
    def zone(self) -> str | None:
        """Availability zone."""
        return self.attributes.get("ecs.availability-zone")

    def value(self, name: str) -> str | None:
        """The value by which a strategy or a query tells hosts apart: `instanceId`, `host` or `attribute:NAME`."""
        if name in {"instanceId", "host", "ec2InstanceId"}:
            return self.instance_id
        return self.attributes.get(name.removeprefix("attribute:"))


@dataclass(frozen=True, slots=True)
class Demand:
    """What one task asks of a host."""

    group: str
    """`service:NAME`, `family:NAME` or a group of the caller's own."""
    cpu: int = 0
    memory: int = 0
    tcp_ports: frozenset[int] = frozenset()
    udp_ports: frozenset[int] = frozenset()
    gpus: int = 0
    needs_eni: bool = False
    required_attributes: frozenset[str] = field(default_factory=frozenset)
    zones: frozenset[str] | None = None
    """The zones of the task's subnets; None where any will do."""
    architecture: str | None = None
    """`x86_64` or `arm64`; None where any will do."""
    capacity_provider: str | None = None
