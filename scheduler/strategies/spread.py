"""`spread`: the value of a field with the fewest tasks of the same group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.model import Demand, Node
from scheduler.strategies.base import Rating


@dataclass(frozen=True, slots=True)
class Spread:
    """Fewest tasks of the group over the values of `field`.

    Hosts that lack the attribute form a bucket of their own (unconfirmed).
    """

    field: str

    @property
    def name(self) -> str:
        return f"spread({self.field})"

    def rating(self, fleet: Sequence[Node], candidates: Sequence[Node], demand: Demand) -> Rating:
        load: Counter[str | None] = Counter()
        for node in fleet:  # full hosts too: they crowd their zone
            if node.groups:
                load[node.value(self.field)] += node.groups.count(demand.group)
        return {node.id: load[node.value(self.field)] for node in candidates}
