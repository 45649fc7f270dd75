"""The door's configuration: ports, certificates, and which listener of which load balancer a request is for.

Load balancers may share a port of this machine; the Host header tells them apart. A Host that is nobody's goes to the one
that has had the port the longest, so that `curl http://localhost:PORT/` works.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.balancer.caddy import document, socket_path, tried_again
from emulator.balancer.caddy_matchers import Document


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key as PEM; the key is never logged."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A listener at a port."""

    listener_arn: str
    dns_name: str
    certificates: tuple[Certificate, ...]
    """One for each of its names; none for plain HTTP."""
    aliases: tuple[str, ...] = ()
    """Further names of it."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port and who listens there, the oldest first. All of them speak TLS, or none does."""

    handle: int
    """The number of the listening socket, which the process inherits."""
    entries: tuple[Entry, ...]


def door(ports: Sequence[Port], folder: str, admin: str) -> Document:
    """The whole configuration of the door."""
    servers = {f"port {port.handle}": _server(port, folder) for port in ports}
    loaded = [
        {"certificate": one.certificate, "key": one.key, "tags": [entry.listener_arn]}
        for port in ports
        for entry in port.entries
        for one in entry.certificates
    ]
    return document(admin, servers, {"tls": {"certificates": {"load_pem": loaded}}} if loaded else None)


def _server(port: Port, folder: str) -> Document:
    oldest = port.entries[0]
    routes = [
        {"match": [{"host": [entry.dns_name, *entry.aliases]}], "handle": _onward(folder, entry), "terminal": True}
        for entry in port.entries[1:]
    ]
    found: Document = {
        "listen": [f"fd/{port.handle}"],
        "automatic_https": {"disable": True},
        "trusted_proxies": {"source": "static", "ranges": ["0.0.0.0/0", "::/0"]},
        "routes": [*routes, {"handle": _onward(folder, oldest)}],
    }
    if not oldest.certificates:
        return {**found, "protocols": ["h1"]}
    policies = [
        {"match": {"sni": [entry.dns_name, *entry.aliases]}, "certificate_selection": {"any_tag": [entry.listener_arn]}}
        for entry in port.entries[1:]
    ]
    fallback = {"certificate_selection": {"any_tag": [oldest.listener_arn]}}
    return {**found, "protocols": ["h1", "h2"], "tls_connection_policies": [*policies, fallback]}


def _onward(folder: str, entry: Entry) -> list[Document]:
    """To the router, again where it ended without an answer: it was loaded anew, or has died and is coming back."""
    client = {"X-Ashore-Client-Ip": ["{http.request.remote.host}"]}
    unseen = {"handler": "headers", "response": {"deferred": True, "delete": ["Via"]}}  # each hop adds it at its end
    onward = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"unix/{socket_path(folder, entry.listener_arn)}"}],
        "load_balancing": tried_again(),
        "request_buffers": 65536,
        "headers": {"request": {"set": client}},
        "stream_close_delay": "5m",
    }
    return [unseen, onward]
