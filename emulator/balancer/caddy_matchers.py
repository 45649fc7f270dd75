"""Conditions of rules as Caddy's matchers."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from emulator.balancer.model import Condition, Field
from emulator.balancer.patterns import expression

Document = dict[str, Any]


def matchers(condition: Condition) -> list[Document]:
    """Matcher sets of which one must match."""
    match condition.field:
        case Field.PATH:
            paths = (f"^{expression(value, one='[^?]')}(?:\\?.*)?$" for value in condition.values)
            return [_regexp("{http.request.uri}", pattern) for pattern in paths]
        case Field.HOST:
            return [_regexp("{http.request.host}", f"(?i)^{expression(value)}$") for value in condition.values]
        case Field.HEADER:
            patterns = (f"(?i)^{expression(value)}$" for value in condition.values)
            return [{"header_regexp": {condition.header: {"pattern": pattern}}} for pattern in patterns]
        case Field.METHOD:
            return [{"method": list(condition.values)}]
        case Field.QUERY:
            return [_regexp("{http.request.uri.query}", _pair(key, value)) for key, value in condition.pairs]
        case Field.SOURCE_IP:
            return [{"client_ip": {"ranges": [str(ip_network(value, strict=False)) for value in condition.values]}}]


def every(conditions: Sequence[Condition]) -> list[Document]:
    """The `match` of a route: all conditions, of each any value. Caddy knows `not` of many, hence De Morgan."""
    if not conditions:
        return []
    return [{"not": [{"not": matchers(condition)} for condition in conditions]}]


def _regexp(subject: str, pattern: str) -> Document:
    return {"vars_regexp": {subject: {"pattern": pattern}}}


def _pair(key: str | None, value: str) -> str:
    name = expression(key, one="[^&=]", escapes=True) if key is not None else "[^&=]*"
    return f"(?i)(?:^|&){name}={expression(value, one='[^&]', escapes=True)}(?:&|$)"
