"""From results to JSON documents: each output shape is compiled once.

Members that are None are left out, empty lists stay. What the shape does not have is our bug and raises ResultError.
"""

from collections.abc import Callable
from typing import Any

from api.wire.results import WRITE, ResultError
from api.wire.shapes import Shape

Writer = Callable[[Any], Any]


class Writers:
    """Compiles and keeps the writers of one service."""

    def __init__(self) -> None:
        self._made: dict[Shape, tuple[type | None, Writer]] = {}

    def write(self, shape: Shape, result: Any) -> Any:
        """The JSON document of `result`."""
        return self._of(shape)[1](result)

    def _of(self, shape: Shape) -> tuple[type | None, Writer]:
        """The class whose values are written as they are (None: no such class), and the writer of all others."""
        found = self._made.get(shape)
        if found is None:
            found = self._made[shape] = self._make(shape)
        return found

    def _make(self, shape: Shape) -> tuple[type | None, Writer]:
        if shape.document:
            return None, lambda value: value
        if shape.type == "structure":
            return None, self._structure(shape)
        if shape.type == "list" and shape.item is not None:
            return None, _list(shape, *self._of(shape.item))
        if shape.type == "map" and shape.item is not None:
            return None, _map(shape, *self._of(shape.item))
        return WRITE[shape.type]

    def _structure(self, shape: Shape) -> Writer:
        members = {name: self._of(member.shape) for name, member in shape.members.items()}

        def write(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise ResultError(f"{value!r} is no {shape.name}")
            result = {}
            for name, item in value.items():
                if item is None:
                    continue
                known = members.get(name)
                if known is None:
                    raise ResultError(f"{shape.name} has no member {name}")
                result[name] = item if item.__class__ is known[0] else known[1](item)
            if shape.union and len(result) != 1:
                raise ResultError(f"{shape.name} must have exactly one member, not {sorted(result)}")
            return result

        return write


def _list(shape: Shape, plain: type | None, writer: Writer) -> Writer:
    def write(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise ResultError(f"{value!r} is no {shape.name}")
        return [item if item.__class__ is plain else writer(item) for item in value]

    return write


def _map(shape: Shape, plain: type | None, writer: Writer) -> Writer:
    def write(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ResultError(f"{value!r} is no {shape.name}")
        return {str(key): item if item.__class__ is plain else writer(item) for key, item in value.items()}

    return write
