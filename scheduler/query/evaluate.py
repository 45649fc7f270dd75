"""Whether a host matches an expression."""

import operator
import re
from collections.abc import Callable
from typing import Any

from scheduler.model import Node
from scheduler.query.parse import Compare, Every, Exists, Expression, Not, OneOf, Some, instant

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def matches(expression: Expression, node: Node) -> bool:
    """Whether `node` matches."""
    match expression:
        case Compare(subject, compared, value):
            return _compare(subject, compared, value, node)
        case OneOf(subject, values):
            return any(value in values for value in _values(subject, node))
        case Exists(subject):
            return subject.removeprefix("attribute:") in node.attributes
        case Not(inner):
            return not matches(inner, node)
        case Every(parts):
            return all(matches(part, node) for part in parts)
        case Some(parts):
            return any(matches(part, node) for part in parts)


def _compare(subject: str, compared: str, value: str, node: Node) -> bool:  # noqa: PLR0911 - one return a case
    match subject:
        case "runningTasksCount":
            return _ORDERS[compared](node.running_tasks, int(value))
        case "registeredAt":
            return _ORDERS[compared](node.registered_at, instant(value))
        case "agentVersion":
            return _ORDERS[compared](_version(node.agent_version), _version(value))
    values = _values(subject, node)
    match compared:
        case "==":
            return value in values
        case "!=":
            return value not in values
        case "=~":
            return any(re.fullmatch(value, item) for item in values)
        case "!~":
            return not any(re.fullmatch(value, item) for item in values)
    return any(_ORDERS[compared](_version(item), _version(value)) for item in values)


def _values(subject: str, node: Node) -> tuple[str, ...]:
    """What the subject stands for on this host: several for `task:group`, none for an attribute it lacks."""
    match subject:
        case "task:group":
            return node.groups
        case "agentConnected":
            return (str(node.agent_connected).lower(),)
        case "ec2InstanceId":
            return (node.instance_id,)
    found = node.attributes.get(subject.removeprefix("attribute:"))
    return () if found is None else (found,)


def _version(text: str) -> tuple[tuple[int, str], ...]:
    """Comparable: numbers by value, words by letters, part by part."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in text.split("."))
