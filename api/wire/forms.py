"""Forms of the query protocol: dotted names (`Tags.member.1.Key=…`) to a document that `readers.py` can read."""

from collections.abc import Iterable
from typing import Any

from api.wire.messages import WireError
from api.wire.scalars import READ, from_text
from api.wire.shapes import Shape

Tree = dict[str | None, Any]
"""A form with its names taken apart: part of the name → Tree; None → the text at this very name."""


def tree_of(pairs: Iterable[tuple[str, str]]) -> Tree:
    """The tree of a form's pairs; of a name that comes twice, the last value counts."""
    tree: Tree = {}
    for name, text in pairs:
        branch = tree
        for part in name.split("."):
            branch = branch.setdefault(part, {})
        branch[None] = text
    return tree


def document_of(shape: Shape, tree: Tree) -> Any:
    """What `tree` says of a value of `shape`.

    Raises:
        WireError: MalformedInput, as AWS's query services call what does not fit the types.

    """
    if shape.type == "structure":
        known = ((name, member.shape) for name, member in shape.members.items() if name in tree)
        return {name: document_of(below, tree[name]) for name, below in known}
    if shape.item is not None:
        return _list(shape.item, tree)
    if None not in tree:
        raise _malformed("Unexpected complex element termination")
    return _scalar(shape.type, tree[None])


def _list(item: Shape, tree: Tree) -> list[Any]:
    """The items in the order of their numbers, gaps and all; the empty list is an empty text (`Tags=`)."""
    items = tree.get("member", {})
    if tree.get(None) or not all(isinstance(number, str) and _is_number(number) for number in items):
        raise _malformed("Unexpected complex element termination")
    return [document_of(item, items[number]) for number in sorted(items, key=int)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _scalar(kind: str, text: str) -> Any:
    if kind == "boolean":
        found = {"1": True, "0": False}.get(text, from_text(kind, text))
        if not isinstance(found, bool):
            raise _malformed("boolean must follow xsd1.1 definition")
        return found
    found = from_text(kind, text)
    try:
        READ[kind](found)
    except WireError as error:
        words = "timestamp must follow ISO8601" if kind == "timestamp" else f"'{text}' is not a valid {kind}"
        raise _malformed(words) from error  # (unconfirmed) texts
    return found


def _malformed(message: str) -> WireError:
    return WireError("MalformedInput", message)
