"""`random`: no preference; the tie-break, seeded by the decision, chooses."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class Random:
    """All hosts are equal."""

    name: str = "random"
    shared_by: None = None

    def key(self, node: Node, demand: Demand) -> int:
        del node, demand
        return 0
