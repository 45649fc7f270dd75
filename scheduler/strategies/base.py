"""A strategy rates hosts, lower is better. Several compare in order: a later one only breaks ties of the former."""

from typing import Protocol

from scheduler.model import Demand, Node


class Strategy(Protocol):
    """An order of preference; a hashable value, for it is part of the question that a ranking answers."""

    @property
    def name(self) -> str:
        """What explanations call it."""

    @property
    def shared_by(self) -> str | None:
        """The field (`Node.value`) whose values pool their hosts: a host's rating is then the sum of its pool's keys.

        All hosts add to their pool, also those that cannot take the task: full hosts crowd their zone. None where each
        host is rated by its own key.
        """

    def key(self, node: Node, demand: Demand) -> int:
        """The host's own key."""
