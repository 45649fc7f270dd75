"""`placementConstraints` and `placementStrategy` of requests → the scheduler's rules, or ECS's refusal."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.ecs.errors import InvalidParameterException
from scheduler.constraints.base import Constraint
from scheduler.constraints.distinct_instance import DistinctInstance
from scheduler.constraints.member_of import MemberOf
from scheduler.query.parse import QuerySyntaxError
from scheduler.strategies.base import Strategy
from scheduler.strategies.binpack import Binpack
from scheduler.strategies.random import Random
from scheduler.strategies.spread import Spread


def constraints_of(documents: Sequence[Mapping[str, Any]]) -> list[Constraint]:
    """The scheduler's constraints.

    Raises:
        InvalidParameterException: an unknown type, an expression where none belongs, or one that cannot be parsed.

    """
    if len(documents) > 10:
        raise InvalidParameterException("Placement constraints cannot exceed 10 entries.")  # (unconfirmed) text
    return [_constraint(document) for document in documents]


def _constraint(document: Mapping[str, Any]) -> Constraint:
    expression = document.get("expression")
    match document.get("type"):
        case "distinctInstance" if not expression:
            return DistinctInstance()
        case "distinctInstance":
            raise InvalidParameterException("distinctInstance does not take an expression.")  # (unconfirmed) text
        case "memberOf":
            try:
                return MemberOf(expression or "")
            except QuerySyntaxError as error:
                raise InvalidParameterException(f"Invalid expression: {error}") from error  # (unconfirmed) text
        case _:
            raise InvalidParameterException(
                "Placement constraint type should be one of [distinctInstance,memberOf]"
            )  # (unconfirmed) text


def strategies_of(documents: Sequence[Mapping[str, Any]]) -> list[Strategy]:
    """The scheduler's strategies in order.

    Raises:
        InvalidParameterException: too many, or one that does not exist.

    """
    if len(documents) > 5:
        raise InvalidParameterException("Placement strategies cannot exceed 5 entries.")  # (unconfirmed) text
    return [_strategy(document) for document in documents]


def _strategy(document: Mapping[str, Any]) -> Strategy:
    name = document.get("field", "")
    match document.get("type"):
        case "random":
            return Random()
        case "spread" if name in {"instanceId", "host"} or (name.startswith("attribute:") and name != "attribute:"):
            return Spread(name)
        case "binpack" if name in {"cpu", "CPU"}:
            return Binpack("cpu")
        case "binpack" if name in {"memory", "MEMORY"}:
            return Binpack("memory")
        case "random" | "spread" | "binpack":
            raise InvalidParameterException(f"Invalid placement strategy field: '{name}'")  # (unconfirmed) text
        case _:
            raise InvalidParameterException(
                "Placement strategy type should be one of [random,spread,binpack]"
            )  # (unconfirmed) text


def shown_strategies(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As ECS returns them: the field of binpack in upper case."""
    return [
        {**document, "field": document["field"].upper()} if document.get("type") == "binpack" else dict(document)
        for document in documents
    ]
