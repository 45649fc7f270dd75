"""Redirect actions as Caddy's handlers, and text in which Caddy finds no placeholder."""

import re
from collections.abc import Mapping

from emulator.balancer.caddy_matchers import Document
from emulator.balancer.model import Listener, LoadBalancer, Redirect

OURS = {"Server": ["awselb/2.0"]}
"""The headers of answers that are a load balancer's own."""
_REDIRECT = re.compile(r"#\{(protocol|host|port|path|query)\}")


def redirection(ports: Mapping[str, int], balancer: LoadBalancer, listener: Listener, action: Redirect) -> Document:
    """The handler of a redirect action; `ports` are the real ones of listeners."""
    port = action.port
    if action.host == "#{host}":  # to another listener of the same load balancer: where it really is
        real = {str(item.port): str(ports.get(item.arn, item.port)) for item in balancer.listeners}
        port = real.get(port, port)
    known = {
        "protocol": listener.protocol.lower(),
        "host": "{http.request.host}",
        "port": str(ports.get(listener.arn, listener.port)),
        "path": "{http.regexp.path.1}",
        "query": "{http.request.uri.query}",
    }

    def fill(text: str) -> str:
        pieces = _REDIRECT.split(text)  # texts and names in turn
        return "".join(known[piece] if index % 2 else literal(piece) for index, piece in enumerate(pieces))

    place = f"{fill(action.protocol.lower())}://{fill(action.host)}:{fill(port)}{fill(action.path)}"
    query = fill(action.query)
    if action.query == "#{query}":
        query = "{http.request.uri.prefixed_query}"
    elif query:
        query = f"?{query}"
    answer = {
        "handler": "static_response",
        "status_code": action.status,
        "headers": {"Location": [place + query], **OURS},
    }
    path = {"vars_regexp": {"{http.request.uri}": {"name": "path", "pattern": "^/([^?]*)"}}}
    return {"handler": "subroute", "routes": [{"match": [path], "handle": [answer], "terminal": True}]}


def literal(text: str) -> str:
    """Text in which Caddy finds no placeholder."""
    return text.replace("{", "\\{")
