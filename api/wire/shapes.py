"""A service model as small typed values: what the wire layer needs to know of a service, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A type of the model and what it demands of a value."""

    name: str
    type: str
    """`structure`, `list`, `map`, or the model's name of a scalar."""
    members: Mapping[str, "Member"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    key: "Shape | None" = None
    item: "Shape | None" = None
    """What a list holds, or a map's values."""
    least: float | None = None
    most: float | None = None
    """Bounds of a number's value or of anything else's length."""
    pattern: str = ""
    choices: tuple[str, ...] = ()
    union: bool = False
    document: bool = False
    """Any JSON value, whatever `type` says."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure."""

    shape: Shape
    wire_name: str
    location: str
    """`uri`, `querystring`, or empty for the body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a service."""

    name: str
    method: str
    uri: str
    input: Shape | None
    output: Shape | None
    result_wrapper: str
    """The element around a query result; empty in other protocols."""


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """How a modelled error looks on the wire."""

    code: str
    status: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """All that the wire layer knows of a service."""

    service: str
    version: str
    namespace: str
    operations: Mapping[str, Operation]
    errors: Mapping[str, ErrorShape]
    """By the shape's name, which is the name of our exception class."""
