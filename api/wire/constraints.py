"""What a model says of a value beside its type, and the words in which services refuse it."""

import re
from collections.abc import Callable
from typing import Any

from botocore.model import Shape

Constraint = Callable[[Any], str | None]
"""The violated constraint in words; None where the value is good."""


def missing(path: str) -> str:
    """The refusal of a request without a required member."""
    return f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"


def constraint_of(shape: Shape) -> Constraint | None:
    """All that `shape` demands of a value; None where it demands nothing."""
    checks = [*_bounds(shape), *_enumeration(shape), *_pattern(shape)]
    if not checks:
        return None

    def check(value: Any) -> str | None:
        return next((reason for reason in (check(value) for check in checks) if reason is not None), None)

    return check


def _bounds(shape: Shape) -> list[Constraint]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    numeric = shape.type_name in {"integer", "long", "float", "double"}
    measured = "value" if numeric else "length"

    def check(value: Any) -> str | None:
        size = value if numeric else len(value)
        if least is not None and size < least:
            return f"Member must have {measured} greater than or equal to {least}"
        if most is not None and size > most:
            return f"Member must have {measured} less than or equal to {most}"
        return None

    return [] if least is None and most is None else [check]


def _enumeration(shape: Shape) -> list[Constraint]:
    values = getattr(shape, "enum", None)
    if not values:
        return []
    reason = f"Member must satisfy enum value set: [{', '.join(values)}]"
    return [lambda value: None if value in values else reason]


def _pattern(shape: Shape) -> list[Constraint]:
    source = shape.metadata.get("pattern")
    if not source or shape.type_name != "string":
        return []
    try:
        pattern = re.compile(source)
    except re.error:  # a few models use Java's own classes such as \p{L}; botocore does not check them either
        return []
    reason = f"must satisfy regular expression '{source}'"
    return [lambda value: None if pattern.fullmatch(value) else reason]
