"""`binpack`: the host with least left of a resource, so that few hosts are used."""

from dataclasses import dataclass
from typing import Literal

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class Binpack:
    """Least remaining `resource` first."""

    resource: Literal["cpu", "memory"]
    shared_by: None = None

    @property
    def name(self) -> str:
        return f"binpack({self.resource})"

    def key(self, node: Node, demand: Demand) -> int:
        del demand
        return node.remaining_cpu if self.resource == "cpu" else node.remaining_memory
