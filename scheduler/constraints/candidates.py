"""Which hosts are looked at at all: ACTIVE ones with their agent connected, of the right kind and in the right zone."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class Active:
    """The host takes tasks."""

    name: str = "active"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        del demand
        return None if node.status == "ACTIVE" else node.status


@dataclass(frozen=True, slots=True)
class AgentConnected:
    """The host's agent listens."""

    name: str = "agentConnected"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        del demand
        return None if node.agent_connected else "AGENT"


@dataclass(frozen=True, slots=True)
class Kind:
    """Capacity provider and architecture are those asked for."""

    name: str = "kind"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        if demand.capacity_provider is not None and node.capacity_provider != demand.capacity_provider:
            return "ATTRIBUTE"
        if demand.architecture is not None and node.attributes.get("ecs.cpu-architecture") != demand.architecture:
            return "ATTRIBUTE"
        return None


@dataclass(frozen=True, slots=True)
class Location:
    """The host stands in a zone of the task's subnets."""

    name: str = "location"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        return None if demand.zones is None or node.zone in demand.zones else "LOCATION"
