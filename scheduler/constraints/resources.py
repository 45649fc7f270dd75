"""What a task takes must be there: CPU units, memory, GPUs, network interfaces."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class Resources:
    """Enough is left of each resource."""

    name: str = "resources"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        if demand.cpu > node.remaining_cpu:
            return "RESOURCE:CPU"
        if demand.memory > node.remaining_memory:
            return "RESOURCE:MEMORY"
        if demand.gpus > node.gpus:
            return "RESOURCE:GPU"
        if demand.needs_eni and node.enis < 1:
            return "RESOURCE:ENI"
        return None
