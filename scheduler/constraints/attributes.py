"""What the task definition needs of the host's agent (`requiresAttributes`)."""

from dataclasses import dataclass

from scheduler.model import Demand, Node


@dataclass(frozen=True, slots=True)
class RequiredAttributes:
    """The host has every attribute that the task definition requires."""

    name: str = "requiredAttributes"

    def refusal(self, node: Node, demand: Demand) -> str | None:
        return None if demand.required_attributes <= node.attributes.keys() else "ATTRIBUTE"
