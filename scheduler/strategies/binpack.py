"""`binpack`: the host with least left of a resource, so that few hosts are used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scheduler.model import Demand, Node
from scheduler.strategies.base import Rating


@dataclass(frozen=True, slots=True)
class Binpack:
    """Least remaining `resource` first."""

    resource: Literal["cpu", "memory"]

    @property
    def name(self) -> str:
        return f"binpack({self.resource})"

    def rating(self, fleet: Sequence[Node], candidates: Sequence[Node], demand: Demand) -> Rating:
        del fleet, demand
        if self.resource == "cpu":
            return {node.id: node.remaining_cpu for node in candidates}
        return {node.id: node.remaining_memory for node in candidates}
