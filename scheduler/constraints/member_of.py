"""`memberOf`: the host matches an expression of the cluster query language."""

from dataclasses import dataclass, field

from scheduler.model import Demand, Node
from scheduler.query.evaluate import matches
from scheduler.query.parse import Expression, parse


@dataclass(frozen=True, slots=True)
class MemberOf:
    """The host matches `expression`.

    Raises:
        QuerySyntaxError: the expression cannot be parsed (on construction).

    """

    expression: str
    name: str = "memberOf"
    _tree: Expression = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tree", parse(self.expression))

    def refusal(self, node: Node, demand: Demand) -> str | None:
        del demand
        return None if matches(self._tree, node) else "MemberOf placement constraint unsatisfied."
