"""From JSON documents to parameters: each shape is compiled once into a function that checks and converts.

Structure, types and required members are checked for every service. Lengths, ranges, patterns and enumerations are
checked here only for the services that answer them with one uniform message (`constraints`): ECS answers each with a
text of its own, so its operations do that.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from api.wire.constraints import Constraint, constraint_of, missing
from api.wire.messages import WireError

Reader = Callable[[Any, str], Any]
"""(value, path of the member) → the value converted."""


class Readers:
    """Compiles and keeps the readers of one service."""

    def __init__(self, invalid: str, *, constraints: bool) -> None:
        """`invalid` is the code of a violated constraint; `constraints` says whether any but `required` are checked."""
        self._invalid, self._constraints = invalid, constraints
        self._known: dict[int, tuple[Shape, Reader]] = {}

    def of(self, shape: Shape) -> Reader:
        """The reader of `shape`."""
        found = self._known.get(id(shape))
        if found is None:
            reader: list[Reader] = []
            # entered before it is made: a shape may contain itself
            self._known[id(shape)] = (shape, lambda value, path: reader[0](value, path))  # noqa: PLW0108 - not made yet
            reader.append(self._checked(shape, self._make(shape)))
            found = self._known[id(shape)] = (shape, reader[0])
        return found[1]

    def _make(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(self.of(shape.member))
        if isinstance(shape, MapShape):
            return self._map(self.of(shape.key), self.of(shape.value))
        return _SCALARS[shape.type_name]

    def _checked(self, shape: Shape, reader: Reader) -> Reader:
        check: Constraint | None = constraint_of(shape) if self._constraints else None
        if check is None:
            return reader

        def checked(value: Any, path: str) -> Any:
            converted = reader(value, path)
            reason = check(converted)
            if reason is not None:
                raise WireError(
                    self._invalid, f"Invalid parameter at '{path}' failed to satisfy constraint: '{reason}'"
                )
            return converted

        return checked

    def _structure(self, shape: StructureShape) -> Reader:
        members = {
            member.serialization.get("name", name): (name, self.of(member)) for name, member in shape.members.items()
        }
        required = tuple(shape.required_members)

        def read(value: Any, path: str) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise _mistyped(value, "structure", path)
            result: dict[str, Any] = {}
            for wire_name, item in value.items():
                known = members.get(wire_name)
                if known is not None and item is not None:
                    name, reader = known
                    result[name] = reader(item, f"{path}.{name}" if path else name)
            for name in required:
                if name not in result:
                    raise WireError(self._invalid, missing(f"{path}.{name}" if path else name))
            return result

        return read

    @staticmethod
    def _list(reader: Reader) -> Reader:
        def read(value: Any, path: str) -> list[Any]:
            if not isinstance(value, list):
                raise _mistyped(value, "list", path)
            return [reader(item, f"{path}.{index}.member") for index, item in enumerate(value, 1)]

        return read

    @staticmethod
    def _map(read_key: Reader, read_value: Reader) -> Reader:
        def read(value: Any, path: str) -> dict[Any, Any]:
            if not isinstance(value, dict):
                raise _mistyped(value, "map", path)
            return {read_key(key, path): read_value(item, f"{path}.{key}") for key, item in value.items()}

        return read


def _mistyped(value: object, wanted: str, path: str) -> WireError:
    kind = {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE", bool: "TRUE_VALUE"}.get(
        type(value), "NUMBER_VALUE"
    )
    return WireError("SerializationException", f"{kind} can not be converted to {wanted} at '{path}'")


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _mistyped(value, "a String", path)
    return value


def _integer(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _mistyped(value, "an Integer", path)
    return int(value)


def _float(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mistyped(value, "a Double", path)
    return float(value)


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _mistyped(value, "a Boolean", path)
    return value


def _blob(value: Any, path: str) -> bytes:
    try:
        return base64.b64decode(_string(value, path), validate=True)
    except binascii.Error as error:
        raise WireError("SerializationException", f"invalid base64 at '{path}'") from error


def read_timestamp(value: Any, path: str) -> datetime:
    """An instant from epoch seconds or from ISO 8601 text."""
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return datetime.fromtimestamp(_float(value, path), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise WireError("SerializationException", f"invalid timestamp at '{path}'") from error


_SCALARS: dict[str, Reader] = {
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": read_timestamp,
}
