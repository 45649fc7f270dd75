"""Single values of requests: JSON's to Python's, and texts (of a query string or a form) to JSON's."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from api.wire.messages import WireError


def unexpected(value: object, wanted: str) -> WireError:
    """AWS's words for a value of the wrong kind, as EventBridge Scheduler was seen to answer; the rest (unconfirmed)."""
    if isinstance(value, dict):
        message = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        message = "Start of list found where not expected"
    elif wanted[:2] in {"a ", "an"}:
        message = f"{_token(value)} can not be converted to {wanted}"
    else:
        message = f"Expected {wanted}"
    return WireError("SerializationException", message)


def _token(value: object) -> str:
    match value:
        case None:
            return "NULL_VALUE"
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case str():
            return "STRING_VALUE"
        case _:
            return "NUMBER_VALUE"


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise unexpected(value, "a String")
    return value


def _whole(bits: int, name: str) -> Callable[[Any], int]:
    limit = 2 ** (bits - 1)

    def read(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit:
            raise unexpected(value, name)
        return value

    return read


def _double(value: Any) -> float:
    if value in {"NaN", "Infinity", "-Infinity"} if isinstance(value, str) else type(value) in {int, float}:
        return float(value)
    raise unexpected(value, "a Double")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise unexpected(value, "a Boolean")
    return value


def _blob(value: Any) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError("SerializationException", "The blob is not valid base64") from error  # (unconfirmed) text


def _timestamp(value: Any) -> datetime:
    """An instant from epoch seconds (JSON) or from ISO 8601 text (query); UTC where the text names no zone."""
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return datetime.fromtimestamp(_double(value), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise WireError("SerializationException", f"{_token(value)} can not be converted to a Date") from error


READ: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _whole(32, "an Integer"),
    "long": _whole(64, "a Long"),
    "double": _double,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}
PLAIN: dict[str, type] = {"string": str, "boolean": bool}
"""What needs no reader: the JSON value is the parameter."""


def from_text(kind: str, text: str) -> Any:
    """`text` as the JSON value of a scalar; the text itself where it is none, for the reader to refuse."""
    if kind in {"integer", "long"} and re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        return int(text)
    if kind == "double" and re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", text) and text.count(".") < 2:
        return float(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text
