"""What the router's access log tells of a request beside what Caddy tells of itself."""

from collections.abc import Iterator

from emulator.balancer.caddy_matchers import Document

_ASKED = {
    "method": "{http.request.method}",
    "uri": "{http.request.orig_uri}",
    "proto": "{http.request.proto}",
    "host": "{http.request.host}",
    "agent": "{http.request.header.User-Agent}",
    "referer": "{http.request.header.Referer}",
    "client": "{http.vars.client_ip}",
}


def note(key: str, value: str) -> Document:
    """A field of the entry; the value is looked up when the request has been answered."""
    return {"handler": "log_append", "key": key, "value": value}


def notes_of_target(group: str) -> list[Document]:
    """Whose target answered, and after how long."""
    return [
        note("group", group),
        note("target", "{http.reverse_proxy.upstream.hostport}"),
        note("ms", "{http.reverse_proxy.upstream.latency_ms}"),
    ]


def notes_of_request() -> Iterator[Document]:
    """What was asked, for those who keep a log of it: `traffic.Asked`."""
    for key, value in _ASKED.items():
        yield note(key, value)
