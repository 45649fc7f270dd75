"""The load balancers as Caddy's configuration.

Caddy drops the requests that it is reading when it takes a new configuration, and the shares and targets of a deployment
change all the time. So there are two processes. The *door* holds the ports and TLS; its configuration changes with the
listeners only. The *router* behind it, on unix sockets, has rules, weights and targets, and is loaded anew with each change;
a request that it drops unanswered is handed to it again by the door.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from emulator.balancer.caddy_instances import instance_name, instance_routes, notes_of_failure, passed_on
from emulator.balancer.caddy_matchers import Document, every
from emulator.balancer.caddy_notes import note, notes_of_request, notes_of_target
from emulator.balancer.caddy_redirects import OURS, literal, redirection
from emulator.balancer.fronts import StaticFiles
from emulator.balancer.model import (
    Action,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
    groups_of,
)
from emulator.balancer.pools import Backend, Pool, turns

_LISTENER, _CLIENT = "X-Ashore-Listener", "X-Ashore-Client-Ip"
_HOP = "ashore_hop"


@dataclass(frozen=True, slots=True)
class Site:
    """What the router needs: balancers, pools by target group, the folder of its sockets, and the real port of each listener."""

    balancers: Sequence[LoadBalancer]
    pools: Mapping[str, Pool]
    folder: str
    ports: Mapping[str, int]
    """Listener ARN → the port that it really has."""
    logged: Container[str] = ()
    """Target groups whose requests are told in full."""
    static: Mapping[str, tuple[StaticFiles, ...]] = field(default_factory=dict)
    """Address of a target → the files that its instance serves itself."""

    def through_instances(self, pool: Pool) -> bool:
        """Whether requests go to servers that stand for proxies of the instances; then to those of all the pool's backends."""
        return any(backend.address in self.static for backend in pool.backends)


def socket_path(folder: str, arn: str) -> str:
    """The unix socket on which the router serves a listener, or a target group."""
    return f"{folder}/{blake2b(arn.encode(), digest_size=8).hexdigest()}.sock"


def router(site: Site) -> Document:
    """The whole configuration of the router."""
    servers: Document = {}
    split: set[str] = set()
    for balancer in site.balancers:
        for listener in balancer.listeners:
            if listener.protocol in {"HTTP", "HTTPS"}:
                servers[listener.arn] = _listener_server(site, balancer, listener)
                split.update(arn for rule in listener.rules if _is_split(rule.action) for arn in groups_of(rule.action))
    for arn in split:
        said = [note("listener", f"{{http.request.header.{_LISTENER}}}"), note("inner", "1")]
        servers[arn] = _server(site.folder, arn, [{"handle": [*said, *_to_pool(site, arn, 60)]}])
    for revision in _simulated(site.pools):
        servers[f"simulated {revision}"] = _server(site.folder, f"simulated {revision}", [_simulation(revision)])
    for pool in site.pools.values():
        for backend in pool.backends if site.through_instances(pool) else ():
            address, dial = backend.address, _dial(site.folder, backend)
            onward = [_hop(), passed_on(dial, tried_again())] if backend.simulated else [passed_on(dial, {})]
            routes = instance_routes(site.static.get(address, ()), onward)
            found = _server(site.folder, instance_name(address), routes)
            found["errors"]["routes"][-1]["handle"][:0] = notes_of_failure(address)
            servers[instance_name(address)] = found
    draining = sorted({address for pool in site.pools.values() for address in pool.draining})
    if draining:  # never asked: it keeps Caddy's counts of requests that are under way
        handler = {"handler": "reverse_proxy", "upstreams": [{"dial": address} for address in draining]}
        servers["draining"] = _server(site.folder, "draining", [{"handle": [handler]}])
    return document(f"{site.folder}/router.sock", servers)


def document(admin: str, servers: Document, apps: Document | None = None) -> Document:
    """A configuration: administered on a socket, telling of requests on its standard output."""
    fields = ("request", "resp_headers", "bytes_read", "user_id")
    shown = {name: {"filter": "delete"} for name in fields}
    return {
        "admin": {"listen": f"unix/{admin}", "config": {"persist": False}},
        "logging": {
            "logs": {
                "default": {"level": "ERROR", "exclude": ["http.log.access", "http.log.error"]},
                "access": {
                    "writer": {"output": "stdout"},
                    "encoder": {"format": "filter", "wrap": {"format": "json"}, "fields": shown},
                    "include": ["http.log.access"],
                },
            }
        },
        "apps": {"http": {"servers": servers}, **(apps or {})},
    }


def _listener_server(site: Site, balancer: LoadBalancer, listener: Listener) -> Document:
    routes = [_route(site, balancer, listener, rule) for rule in listener.rules]
    return _server(site.folder, listener.arn, routes)


def _server(folder: str, arn: str, routes: list[Document]) -> Document:
    page = (
        "<html>\r\n<head><title>{http.error.status_code} {http.error.status_text}</title></head>\r\n<body>\r\n"
        "<center><h1>{http.error.status_code} {http.error.status_text}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    failed = {"handler": "static_response", "status_code": "{http.error.status_code}", "body": page}
    return {
        "listen": [f"unix/{socket_path(folder, arn)}"],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "trusted_proxies_unix": True,
        "client_ip_headers": [_CLIENT],
        "logs": {},
        "routes": routes,
        "errors": {
            "routes": [
                {"match": [{"vars": {_HOP: ["1"]}}], "handle": [_cut()], "terminal": True},
                {
                    "handle": [
                        note("error", "{http.error.message}"),
                        {**failed, "headers": {"Content-Type": ["text/html"], **OURS}},
                    ]
                },
            ]
        },
    }


def _route(site: Site, balancer: LoadBalancer, listener: Listener, rule: Rule) -> Document:
    handle = [note("listener", listener.arn), *_action(site, balancer, listener, rule.action)]
    found: Document = {"handle": handle, "terminal": True}
    matched = every(rule.conditions)
    return {"match": matched, **found} if matched else found


def _action(site: Site, balancer: LoadBalancer, listener: Listener, action: Action) -> list[Document]:
    match action:
        case FixedResponse(status, content_type, body):
            headers = {"Content-Type": [content_type], **OURS}
            return [{"handler": "static_response", "status_code": status, "headers": headers, "body": literal(body)}]
        case Redirect():
            return [redirection(site.ports, balancer, listener, action)]
        case Forward(shares) if not any(share.weight for share in shares):
            return _nobody()
        case Forward(shares) if not _is_split(action):
            arn = next(share.target_group_arn for share in shares if share.weight)
            forwarded = _forwarded(listener)
            return [forwarded, *_to_pool(site, arn, balancer.idle_seconds)]
        case Forward():
            return [_forwarded(listener), _hop(), _split(site, action)]
        case _:
            return [{"handler": "static_response", "status_code": 501, "body": literal(action.text)}]


def _is_split(action: Action) -> bool:
    return isinstance(action, Forward) and sum(share.weight > 0 for share in action.shares) > 1


def _split(site: Site, action: Forward) -> Document:
    """To the groups' own servers, turn by turn, so that shares are exact; a cookie keeps a client with its group."""
    dials = [f"unix/{socket_path(site.folder, share.target_group_arn)}" for share in action.shares]
    order = turns([share.weight for share in action.shares])
    policy: Document = {"policy": "round_robin"}
    if action.sticky_seconds is not None:
        policy = {"policy": "cookie", "name": "AWSALBTG", "max_age": f"{action.sticky_seconds}s", "fallback": policy}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dials[index]} for index in order],
        "load_balancing": {"selection_policy": policy, **tried_again()},
        "request_buffers": 65536,
        "headers": {"response": {"delete": ["Via"]}},
    }


def tried_again() -> Document:
    """A hop between our own servers is tried again where it ended without an answer: the other side was loaded anew."""
    return {"try_duration": "10s", "try_interval": "20ms", "retry_match": [{"path": ["*"]}]}


def _hop() -> Document:
    """What follows asks a server of our own."""
    return {"handler": "vars", _HOP: "1"}


def _cut() -> Document:
    """Where such a hop has failed, no answer: a configuration that is being replaced tries nothing again, but the door does."""
    return {"handler": "static_response", "abort": True}


def _to_pool(site: Site, arn: str, idle_seconds: int) -> list[Document]:
    pool = site.pools.get(arn)
    if pool is not None and pool.group.target_type in {"lambda", "alb"}:
        text = f"Ashore does not carry out targets of type {pool.group.target_type}.\n"
        return [{"handler": "static_response", "status_code": 501, "body": text}]
    if pool is None or not pool.backends:
        return _nobody()
    notes = [*notes_of_target(arn), *(notes_of_request() if arn in site.logged else ())]
    transport: Document = {"protocol": "http", "dial_timeout": "10s", "response_header_timeout": f"{idle_seconds}s"}
    if pool.group.protocol == "HTTPS":
        transport["tls"] = {"insecure_skip_verify": True}
    through = site.through_instances(pool)
    dials = [_dial(site.folder, backend, through=through) for backend in pool.backends]
    order = turns([backend.weight for backend in pool.backends])
    ours = through or all(backend.simulated for backend in pool.backends)
    return [
        *notes,
        *([_hop()] if ours else []),
        {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": dials[index]} for index in order],
            "load_balancing": {"selection_policy": _policy(pool), **(tried_again() if ours else {})},
            "headers": {
                "request": {"delete": ["Via", "X-Forwarded-Host", *(() if through else (_LISTENER, _CLIENT))]},
                "response": {"delete": ["Via"]},
            },
            "transport": transport,
            "stream_close_delay": "5m",
        },
    ]


def _policy(pool: Pool) -> Document:
    found: Document = {"policy": "round_robin"}
    if pool.group.attributes.get("load_balancing.algorithm.type") == "least_outstanding_requests":
        found = {"policy": "least_conn"}
    elif pool.group.attributes.get("load_balancing.algorithm.type") == "weighted_random":
        found = {"policy": "random"}
    if (seconds := pool.group.sticky_seconds) is not None:
        return {"policy": "cookie", "name": "AWSALB", "max_age": f"{seconds}s", "fallback": found}
    return found


def _dial(folder: str, backend: Backend, *, through: bool = False) -> str:
    if through:
        return f"unix/{socket_path(folder, instance_name(backend.address))}"
    if backend.simulated:
        return f"unix/{socket_path(folder, f'simulated {backend.revision}')}"
    return backend.address


def revision_of(folder: str, pool: Pool, target: str) -> str:
    """The revision behind an upstream that an access log names."""
    for backend in pool.backends:
        dials = {_dial(folder, backend, through=through).removeprefix("unix/") for through in (False, True)}
        if target.removeprefix("unix/") in dials:
            return backend.revision
    return ""


def _simulated(pools: Mapping[str, Pool]) -> set[str]:
    return {backend.revision for pool in pools.values() for backend in pool.backends if backend.simulated}


def _simulation(revision: str) -> Document:
    """What a simulated task answers: that it is simulated."""
    headers = {"X-Ashore-Simulated": ["true"], "X-Ashore-Revision": [literal(revision)]}
    text = f"simulated: no container answered this. {literal(revision)}\n"
    return {"handle": [{"handler": "static_response", "status_code": 200, "headers": headers, "body": text}]}


def _forwarded(listener: Listener) -> Document:
    """The headers that an Application Load Balancer adds; X-Forwarded-For is the door's."""
    headers = {
        "X-Forwarded-Proto": [listener.protocol.lower()],
        "X-Forwarded-Port": [str(listener.port)],
        _LISTENER: [listener.arn],
    }
    return {"handler": "headers", "request": {"set": headers}}


def _nobody() -> list[Document]:
    """There is no target to ask."""
    text = "503 Service Temporarily Unavailable"
    body = (
        f"<html>\r\n<head><title>{text}</title></head>\r\n<body>\r\n<center><h1>{text}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    headers = {"Content-Type": ["text/html"], **OURS}
    return [
        note("own", "1"),
        {"handler": "static_response", "status_code": 503, "headers": headers, "body": body},
    ]
