"""`spread`: the value of a field with the fewest tasks of the same group."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class Spread:
    """Fewest tasks of the group over the values of `field`.

    Hosts that lack the attribute form a bucket of their own (unconfirmed).
    """

    field: str

    @property
    def name(self) -> str:
        return f"spread({self.field})"

    @property
    def shared_by(self) -> str | None:
        """None for instances: each is one host of its cluster, so nothing is pooled."""
        return self.field if self.field.startswith("attribute:") else None

    def key(self, node: Node, demand: Demand) -> int:
        return node.groups.count(demand.group)
