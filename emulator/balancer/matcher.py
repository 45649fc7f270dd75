"""Which rule a request meets: the reference that Caddy's configuration is tested against, and what serves where there is none.

Paths and query strings are compared as they were sent, percent signs and all (unconfirmed for encoded characters).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from emulator.balancer.model import Condition, Field, Listener, Redirect, Rule
from emulator.balancer.patterns import fits


@dataclass(frozen=True, slots=True)
class Request:
    """What a rule can look at."""

    method: str
    path: str
    """As sent, without the query string."""
    query: str
    """As sent, without the question mark."""
    host: str
    """As sent; a port does not count."""
    headers: Sequence[tuple[str, str]]
    source_ip: str


def find_rule(listener: Listener, request: Request) -> Rule:
    """The first rule whose conditions all hold; the default rule has none."""
    return next(rule for rule in listener.rules if all(holds(condition, request) for condition in rule.conditions))


def holds(condition: Condition, request: Request) -> bool:
    """Whether one of the condition's values matches."""
    match condition.field:
        case Field.PATH:
            return any(fits(value, request.path, fold=False) for value in condition.values)
        case Field.HOST:
            host = without_port(request.host)
            return any(fits(value, host) for value in condition.values)
        case Field.HEADER:
            sent = [text for name, text in request.headers if name.lower() == condition.header.lower()]
            return any(fits(value, text) for value in condition.values for text in sent)
        case Field.METHOD:
            return request.method in condition.values
        case Field.QUERY:
            return any(_has_pair(request.query, key, value) for key, value in condition.pairs)
        case Field.SOURCE_IP:
            source = ip_address(request.source_ip)
            return any(source in ip_network(value, strict=False) for value in condition.values)


def location(redirect: Redirect, request: Request, protocol: str, port: int) -> str:
    """Where a redirect sends the client."""

    def fill(text: str) -> str:
        known = {"host": without_port(request.host), "port": str(port), "path": request.path.removeprefix("/")}
        for name, value in {**known, "protocol": protocol.lower(), "query": request.query}.items():
            text = text.replace(f"#{{{name}}}", value)
        return text

    query = fill(redirect.query)
    base = f"{fill(redirect.protocol).lower()}://{fill(redirect.host)}:{fill(redirect.port)}{fill(redirect.path)}"
    return f"{base}?{query}" if query else base


def without_port(host: str) -> str:
    """The name in a Host header."""
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0]


def _has_pair(query: str, key: str | None, value: str) -> bool:
    for pair in query.split("&"):
        name, equals, text = pair.partition("=")
        if equals and (key is None or fits(key, name, escapes=True)) and fits(value, text, escapes=True):
            return True
    return False
