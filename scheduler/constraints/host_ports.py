"""A static host port is taken once; the ports that the agent reserves are never free."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class HostPorts:
    """Every static port of the task is free on the host."""

    name: str = "hostPorts"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        taken = demand.tcp_ports & node.tcp_ports or demand.udp_ports & node.udp_ports
        return "RESOURCE:PORTS" if taken else None
