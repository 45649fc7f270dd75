"""`random`: no preference; the tie-break, seeded by the decision, chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.model import Demand, Node
from scheduler.strategies.base import Rating


@dataclass(frozen=True, slots=True)
class Random:
    """All hosts are equal."""

    name: str = "random"

    def rating(self, fleet: Sequence[Node], candidates: Sequence[Node], demand: Demand) -> Rating:
        del fleet, demand
        return dict.fromkeys((node.id for node in candidates), 0)
