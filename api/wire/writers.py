"""From results to JSON documents: each output shape is compiled once.

A key that the shape does not have is our bug and raises.
"""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Writer = Callable[[Any], Any]


class UnknownMemberError(Exception):
    """A result has a member that the model does not know."""


class Writers:
    """Compiles and keeps the writers of one service."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Shape, Writer]] = {}

    def of(self, shape: Shape) -> Writer:
        """The writer of `shape`."""
        found = self._known.get(id(shape))
        if found is None:
            writer: list[Writer] = []
            # entered before it is made: a shape may contain itself
            self._known[id(shape)] = (shape, lambda value: writer[0](value))  # noqa: PLW0108 - not made yet
            writer.append(self._make(shape))
            found = self._known[id(shape)] = (shape, writer[0])
        return found[1]

    def _make(self, shape: Shape) -> Writer:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            write = self.of(shape.member)
            return lambda value: [write(item) for item in value]
        if isinstance(shape, MapShape):
            write = self.of(shape.value)
            return lambda value: {key: write(item) for key, item in value.items()}
        return _SCALARS.get(shape.type_name, _as_it_is)

    def _structure(self, shape: StructureShape) -> Writer:
        members = {
            name: (member.serialization.get("name", name), self.of(member)) for name, member in shape.members.items()
        }

        def write(value: Any) -> dict[str, Any]:
            result = {}
            for name, item in value.items():
                if item is None:
                    continue
                if name not in members:
                    raise UnknownMemberError(f"{shape.name} has no member {name}")
                wire_name, writer = members[name]
                result[wire_name] = writer(item)
            return result

        return write


def _as_it_is(value: Any) -> Any:
    return value


def _timestamp(value: datetime) -> float:
    """Epoch seconds with milliseconds, as ECS and ECR send them."""
    return round(value.timestamp(), 3)


_SCALARS: dict[str, Writer] = {"timestamp": _timestamp, "blob": lambda value: base64.b64encode(value).decode()}
