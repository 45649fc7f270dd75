"""YAML and JSON of unknown origin → plain values, within limits: few lines of aliases can stand for more values than memory has."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

_BASE: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_VALUES = 50_000
_DEEPEST = 64
_BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class DocumentError(Exception):
    """It cannot be read; `str` says why, without the path."""


class _Old(_BASE):  # type: ignore[misc]  # the library has no types
    """YAML 1.1 (`yes` is true), as the configuration files are read; without dates and numbers to the base of sixty."""


class _New(_BASE):  # type: ignore[misc]  # as above
    """YAML 1.2, as Compose reads: only `true` and `false` are no strings."""


def _without(loader: Any, *tags: str) -> dict[str, list[tuple[str, Any]]]:
    kept = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in tags]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    return {first: resolvers for first, resolvers in kept.items() if resolvers}


_NUMBERS = {
    _INT: (re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$"), "-+0123456789"),
    _FLOAT: (re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,2})?$"), "-+0123456789"),
}
_Old.yaml_implicit_resolvers = _without(_Old, _INT, _FLOAT, _TIMESTAMP)
_New.yaml_implicit_resolvers = _without(_New, _INT, _FLOAT, _TIMESTAMP, _BOOL)
for _loader in (_Old, _New):
    for _tag, (_pattern, _firsts) in _NUMBERS.items():
        _loader.add_implicit_resolver(_tag, _pattern, list(_firsts))
_New.add_implicit_resolver(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_yaml(text: str, *, compose: bool = False) -> Any:
    """The one document of a text: null, booleans, numbers, strings, lists, and mappings whose keys are strings.

    Args:
        text: the file.
        compose: read as YAML 1.2.

    Raises:
        DocumentError: it is no YAML, holds more than one document, or is beyond the limits.

    """
    loader = _New if compose else _Old
    try:
        _check_depth(yaml.parse(text, Loader=loader))
        reader = loader(text)
        try:
            node = reader.get_single_node()
            if node is None:
                return None
            _Sizes().of(node)
            value = reader.construct_document(node)
        finally:
            reader.dispose()
    except yaml.YAMLError as error:
        raise DocumentError(_first_line(error)) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise DocumentError(_first_line(error)) from error
    return _plain(value)


def read_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        DocumentError: it is no JSON, or beyond the limits.

    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    except ValueError as error:
        raise DocumentError(_first_line(error)) from error
    return _plain(value)


def _check_depth(events: Iterator[Any]) -> None:
    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise DocumentError("it is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Sizes:
    """Counts the values that a node stands for, every alias as what it repeats."""

    def __init__(self) -> None:
        self._known: dict[int, int | None] = {}

    def of(self, node: Any) -> int:
        if id(node) in self._known:
            size = self._known[id(node)]
            if size is None:
                raise DocumentError("it holds itself")
            return size
        self._known[id(node)] = None
        size = 1 + sum(self.of(child) for child in _children(node))
        if size > _MOST_VALUES:
            raise DocumentError("it holds too many values")
        self._known[id(node)] = size
        return size


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _plain(value: Any, depth: int = 0) -> Any:
    """The same with keys as strings, or a refusal of what no text can hold."""
    if depth > 2 * _DEEPEST:
        raise DocumentError("it is nested too deeply")
    match value:
        case dict():
            return {_key(key): _plain(inner, depth + 1) for key, inner in value.items()}
        case list():
            return [_plain(inner, depth + 1) for inner in value]
        case str():
            return _writable(value)
        case float() if not math.isfinite(value):
            raise DocumentError(f"{value} is no value")
        case None | bool() | int() | float():
            return value
    raise DocumentError(f"a value of type {type(value).__name__}")


def _key(key: Any) -> str:
    if isinstance(key, bool) or key is None:
        return "null" if key is None else str(key).lower()
    if isinstance(key, str | int | float):
        return _writable(str(key))
    raise DocumentError(f"a key of type {type(key).__name__}")


def _writable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DocumentError("a half of a character") from error
    return text


def _first_line(error: Exception) -> str:
    problem = cast("str | None", getattr(error, "problem", None)) or str(error)
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}, position {mark.column}" if mark is not None else ""
    lines = problem.splitlines()
    return f"{lines[0][:200] if lines else type(error).__name__}{where}"
