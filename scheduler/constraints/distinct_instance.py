"""`distinctInstance`: no second task of the group on a host. A task already told to stop does not count."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class DistinctInstance:
    """No other task of the same group is on the host."""

    name: str = "distinctInstance"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        """The text is formed after memberOf's (unconfirmed)."""
        return "DistinctInstance placement constraint unsatisfied." if demand.group in node.groups else None
