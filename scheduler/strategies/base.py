"""A strategy rates hosts, lower is better. Several compare in order: a later one only breaks ties of the former."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from scheduler.model import Demand, Node

Rating = Mapping[str, int]
"""Host id → key."""


class Strategy(Protocol):
    """An order of preference."""

    @property
    def name(self) -> str:
        """What explanations call it."""

    def rating(self, fleet: Sequence[Node], candidates: Sequence[Node], demand: Demand) -> Rating:
        """The key of each candidate; `fleet` holds all hosts, for full ones too crowd their zone."""
