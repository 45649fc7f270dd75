"""What a model demands of a value beside its type, in the words of AWS's own validation.

A shape's constraints are checked where the shape is used: a member's at the member, those of a list's items and of a
map's keys and values at the list or map, as AWS reports them. Which of them count, and which exception they end in, is
each service's own (`refusals.py`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from api.wire.shapes import Shape


class Rule(StrEnum):
    """The kinds of demands that a model makes."""

    REQUIRED = auto()
    BOUNDS = auto()
    PATTERN = auto()
    ENUM = auto()


@dataclass(frozen=True, slots=True)
class Constraint:
    """One demand of a shape."""

    rule: Rule
    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Violation:
    """A demand that a request does not meet."""

    path: str
    """As AWS writes it: `containers.1.member.name`."""
    rule: Rule
    words: str
    value: object
    """None where a required member is missing."""
    shape: Shape
    """Of the value, or of what is missing."""


MISSING = "Member must not be null"

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_LINEAR = {
    r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$": r"[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*",
}
"""Patterns whose own form takes exponential time on a long value that does not match → the same language, linear."""


def constraints_of(shape: Shape, checked: frozenset[Rule]) -> tuple[Constraint, ...]:
    """What `shape` demands, of the kinds `checked`."""
    found = [*_bounds(shape), *_pattern(shape, checked), *_enumeration(shape)]
    return tuple(constraint for constraint in found if constraint.rule in checked)


def each(what: str, constraints: Iterable[Constraint]) -> str:
    """The demands on each item of a list (or key, or value of a map), as AWS sums them up."""
    return f"{what} must satisfy constraint: [{', '.join(constraint.words for constraint in constraints)}]"


def _bounds(shape: Shape) -> list[Constraint]:
    least, most = shape.least, shape.most
    measured = "value" if shape.type in _NUMBERS else "length"
    size: Callable[[Any], Any] = _itself if shape.type in _NUMBERS else len
    found = []
    if most is not None:
        words = f"Member must have {measured} less than or equal to {most}"
        found.append(Constraint(Rule.BOUNDS, words, lambda value: size(value) <= most))
    if least is not None:
        words = f"Member must have {measured} greater than or equal to {least}"
        found.append(Constraint(Rule.BOUNDS, words, lambda value: size(value) >= least))
    return found


def _itself(value: Any) -> Any:
    return value


def _pattern(shape: Shape, checked: frozenset[Rule]) -> list[Constraint]:
    """Java's `matches`: the whole value, ASCII classes. Compiled where checked only: ECS has patterns in Java's own syntax."""
    if not shape.pattern or Rule.PATTERN not in checked or shape.type != "string":
        return []
    compiled = re.compile(_LINEAR.get(shape.pattern, shape.pattern), re.ASCII)
    words = f"Member must satisfy regular expression pattern: {shape.pattern}"
    return [Constraint(Rule.PATTERN, words, lambda value: compiled.fullmatch(value) is not None)]


def _enumeration(shape: Shape) -> list[Constraint]:
    if not shape.choices:
        return []
    words = f"Member must satisfy enum value set: [{', '.join(shape.choices)}]"
    return [Constraint(Rule.ENUM, words, frozenset(shape.choices).__contains__)]
