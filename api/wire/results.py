"""Single values of results, to JSON's.

They are checked as strictly as those of requests: a number where the model says string is our bug, and must not reach a
client as if it were right.
"""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any


class ResultError(Exception):
    """A result does not fit the model: our bug, never the client's."""


def text_of(value: Any) -> str:
    """A string result; an enumeration's member as its value."""
    if isinstance(value, str):
        return str(value)
    raise ResultError(f"{value!r} is no string")


def _whole_number(value: Any) -> int:
    if type(value) is int:
        return value
    raise ResultError(f"{value!r} is no whole number")


def _number(value: Any) -> float:
    if type(value) in {int, float} and value - value == 0:  # JSON has no infinity
        return float(value)
    raise ResultError(f"{value!r} is no number")


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ResultError(f"{value!r} is no boolean")


def _base64(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise ResultError(f"{value!r} is no blob")


def instant_of(value: Any) -> float:
    """Epoch seconds with milliseconds, as ECS, ECR and EKS send them."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return round(value.timestamp(), 3)
    if type(value) in {int, float}:
        return float(round(value, 3))
    raise ResultError(f"{value!r} is no instant with a time zone")


WRITE: dict[str, tuple[type | None, Callable[[Any], Any]]] = {
    "string": (str, text_of),
    "integer": (int, _whole_number),
    "long": (int, _whole_number),
    "double": (None, _number),
    "boolean": (bool, _truth),
    "blob": (None, _base64),
    "timestamp": (None, instant_of),
}
"""Scalar → the class that needs no conversion, and the conversion to a JSON value."""
