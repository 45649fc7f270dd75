"""From results to the XML of the query protocol: each output shape is compiled once. The rules are those of `writers.py`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from api.wire.results import WRITE, ResultError, instant_of
from api.wire.shapes import Shape

MarkupWriter = Callable[[Any, list[str]], None]
"""(value, where the pieces of XML go)"""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class MarkupWriters:
    """Compiles and keeps the writers of one service."""

    def __init__(self) -> None:
        self._made: dict[Shape, MarkupWriter] = {}

    def write(self, shape: Shape, result: Any) -> str:
        """What stands inside the element of `result`."""
        pieces: list[str] = []
        self._of(shape)(result, pieces)
        return "".join(pieces)

    def _of(self, shape: Shape) -> MarkupWriter:
        found = self._made.get(shape)
        if found is None:
            found = self._made[shape] = self._make(shape)
        return found

    def _make(self, shape: Shape) -> MarkupWriter:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.item is not None:
            return _list(shape, self._of(shape.item))
        convert = _as_text(shape.type)
        return lambda value, pieces: pieces.append(convert(value))

    def _structure(self, shape: Shape) -> MarkupWriter:
        members = {name: self._of(member.shape) for name, member in shape.members.items()}

        def write(value: Any, pieces: list[str]) -> None:
            if not isinstance(value, dict):
                raise ResultError(f"{value!r} is no {shape.name}")
            for name, item in value.items():
                if item is None:
                    continue
                if name not in members:
                    raise ResultError(f"{shape.name} has no member {name}")
                pieces.append(f"<{name}>")
                members[name](item, pieces)
                pieces.append(f"</{name}>")

        return write


def _list(shape: Shape, writer: MarkupWriter) -> MarkupWriter:
    def write(value: Any, pieces: list[str]) -> None:
        if not isinstance(value, list | tuple):
            raise ResultError(f"{value!r} is no {shape.name}")
        for item in value:
            pieces.append("<member>")
            writer(item, pieces)
            pieces.append("</member>")

    return write


def _as_text(kind: str) -> Callable[[Any], str]:
    _, convert = WRITE[kind]
    match kind:
        case "string":
            return lambda value: quoted(convert(value))
        case "boolean":
            return lambda value: "true" if convert(value) else "false"
        case "timestamp":
            return _iso
        case _:
            return lambda value: str(convert(value))


def quoted(text: str) -> str:
    """`text` as content of an element. Characters that XML 1.0 cannot hold at all become U+FFFD."""
    return escape(_ILLEGAL.sub("\ufffd", text), {"\r": "&#13;"})


def _iso(value: Any) -> str:
    """ISO 8601 in UTC with milliseconds: the EB CLI pages through events by them."""
    instant = datetime.fromtimestamp(instant_of(value), UTC)
    return instant.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
