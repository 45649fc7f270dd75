"""A constraint says yes or no to a host, and why, in ECS's words."""

from typing import Protocol

from scheduler.model import Demand, Node


class Constraint(Protocol):
    """A yes-or-no rule."""

    @property
    def name(self) -> str:
        """What explanations call it."""

    def refusal(self, node: Node, demand: Demand) -> str | None:
        """ECS's reason for refusing `node`; None where it is admitted."""
