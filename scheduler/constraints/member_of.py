"""`memberOf`: the host matches an expression of the cluster query language."""

from dataclasses import dataclass, field

from scheduler.model import Demand, Node
from scheduler.query.evaluate import matches
from scheduler.query.parse import Expression, QuerySyntaxError, parse

_MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class MemberOf:
    """The host matches `expression`.

    Raises:
        QuerySyntaxError: the expression cannot be parsed, or is too long (on construction).

    """

    expression: str
    name: str = "memberOf"
    _tree: Expression = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.expression) > _MOST_CHARACTERS:
            message = f"an expression has at most {_MOST_CHARACTERS} characters"
            raise QuerySyntaxError(message, self.expression, _MOST_CHARACTERS)
        object.__setattr__(self, "_tree", parse(self.expression))

    def refusal(self, node: Node, demand: Demand) -> str | None:
        del demand
        return None if matches(self._tree, node) else "MemberOf placement constraint unsatisfied."
