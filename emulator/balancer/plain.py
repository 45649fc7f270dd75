"""Load balancers without Caddy: the reference matcher serves, in the emulator's own process, where there is no binary.

One request a connection, HTTP only; of stickiness nothing is carried out. Slower than Caddy by an order of magnitude.
"""

import asyncio
import itertools
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from emulator.balancer.caddy import Site
from emulator.balancer.matcher import Request, find_rule, location, without_port
from emulator.balancer.model import FixedResponse, Forward, Listener, Redirect, Rule
from emulator.balancer.plane import Opening, Sockets
from emulator.balancer.pools import Backend, turns
from emulator.balancer.traffic import Asked, Served

_CHUNK = 1 << 16
_HEAD_SECONDS, _CONNECT_SECONDS = 60.0, 10.0
_HOPS = {"connection", "keep-alive", "proxy-connection", "upgrade", "x-forwarded-for", "x-forwarded-proto"}


@dataclass(frozen=True, slots=True)
class _Head:
    """A request's head as it came."""

    request: Request
    lines: tuple[tuple[str, str], ...]
    target: str


class PlainPlane:
    """`plane.Plane` in Python."""

    def __init__(self, sockets: Sockets, served: Callable[[Sequence[Served]], None]) -> None:
        self._sockets, self._served = sockets, served
        self._site = Site((), {}, "", {})
        self._openings: dict[int, Opening] = {}
        self._servers: dict[int, asyncio.Server] = {}
        self._open: Counter[str] = Counter()
        self._turns: dict[tuple[object, ...], Iterator[int]] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def apply(self, site: Site, openings: Sequence[Opening]) -> Mapping[Rule, str]:
        """See `Plane`. Ports of HTTPS listeners are not opened."""
        self._site, self._turns = site, {}
        wanted = {opening.port: opening for opening in openings if not opening.entries[0].certificates}
        for port in set(self._servers) - set(wanted):
            self._servers.pop(port).close()
        self._openings = wanted
        for port in set(wanted) - set(self._servers):
            listener = self._sockets.get(port).dup()

            def accept(reader: StreamReader, writer: StreamWriter, port: int = port) -> None:
                task = asyncio.create_task(self._accept(port, reader, writer))
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)

            self._servers[port] = await asyncio.start_server(accept, sock=listener)
        return {}

    async def under_way(self) -> Mapping[str, int]:
        """See `Plane`."""
        return dict(self._open)

    async def stop(self) -> None:
        """See `Plane`."""
        await self.apply(Site((), {}, "", {}), ())
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, port: int, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = _parse(await reader.readuntil(b"\r\n\r\n"), writer)
            await self._serve(self._listener(port, head), head, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            pass  # the client has gone, or is none of HTTP's
        except ValueError:
            writer.write(_answer(400, "text/plain", "Bad Request"))
        finally:
            writer.close()

    def _listener(self, port: int, head: _Head) -> Listener:
        entries = self._openings[port].entries
        name = without_port(head.request.host).lower()
        arn = next(
            (entry.listener_arn for entry in entries if name in {entry.dns_name, *entry.aliases}),
            entries[0].listener_arn,
        )
        return next(item for balancer in self._site.balancers for item in balancer.listeners if item.arn == arn)

    async def _serve(self, listener: Listener, head: _Head, reader: StreamReader, writer: StreamWriter) -> None:
        match find_rule(listener, head.request).action:
            case FixedResponse(status, content_type, body):
                self._note(listener, status)
                writer.write(_answer(status, content_type, body))
            case Redirect() as redirect:
                port = self._site.ports.get(listener.arn, listener.port)
                place = location(redirect, head.request, listener.protocol, port)
                self._note(listener, redirect.status)
                writer.write(_answer(redirect.status, "text/plain", "", f"Location: {place}\r\n"))
            case Forward() as forward:
                await self._forward(listener, forward, head, reader, writer)
            case other:
                self._note(listener, 501)
                writer.write(_answer(501, "text/plain", other.text))
        await writer.drain()

    async def _forward(
        self, listener: Listener, forward: Forward, head: _Head, reader: StreamReader, writer: StreamWriter
    ) -> None:
        number = self._turn([share.weight for share in forward.shares], forward)
        pool = self._site.pools.get(forward.shares[number].target_group_arn) if number is not None else None
        chosen = self._turn([backend.weight for backend in pool.backends], pool) if pool is not None else None
        if pool is None or chosen is None:
            self._note(listener, 503, own=True)
            writer.write(_answer(503, "text/html", "<h1>503 Service Temporarily Unavailable</h1>"))
            return
        backend = pool.backends[chosen]
        began = asyncio.get_running_loop().time()
        status = await self._carry(listener, backend, head, reader, writer)
        seconds, answered = asyncio.get_running_loop().time() - began, status is not None
        asked = _asked(head, error="" if answered else "no answer") if pool.group.arn in self._site.logged else None
        answered = answered or asked is not None
        told = Served(
            listener.arn, pool.group.arn, backend.address, status or 502, seconds, answered=answered, asked=asked
        )
        self._served([told])

    async def _carry(
        self, listener: Listener, backend: Backend, head: _Head, reader: StreamReader, writer: StreamWriter
    ) -> int | None:
        """Hand a request to a target; its status, or None where it gave none."""
        if backend.simulated:
            extra = f"X-Ashore-Simulated: true\r\nX-Ashore-Revision: {backend.revision}\r\n"
            text = f"simulated: no container answered this. {backend.revision}\n"
            writer.write(_answer(200, "text/plain", text, extra))
            return 200
        host, _, port = backend.address.rpartition(":")
        self._open[backend.address] += 1
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                back_reader, back_writer = await asyncio.open_connection(host.strip("[]"), int(port))
            back_writer.write(_onward(listener, head))
            upload = asyncio.create_task(_pump(reader, back_writer))
            try:
                first = await back_reader.readline()
                writer.write(first)
                await _pump(back_reader, writer)
            finally:
                upload.cancel()
                back_writer.close()
            return int(first[9:12])
        except (OSError, TimeoutError, ValueError):
            writer.write(_answer(502, "text/html", "<h1>502 Bad Gateway</h1>"))
            return None
        finally:
            self._open[backend.address] -= 1

    def _turn(self, weights: Sequence[int], whose: object) -> int | None:
        """Whose turn it is; None where nobody's."""
        key = (id(whose), *weights)
        if key not in self._turns:
            order = turns(weights)
            if not order:
                return None
            self._turns[key] = itertools.cycle(order)
        return next(self._turns[key])

    def _note(self, listener: Listener, status: int, *, own: bool = False) -> None:
        self._served([Served(listener.arn, "", "", status, 0.0, answered=False, own=own)])


def _parse(data: bytes, writer: StreamWriter) -> _Head:
    """Take a head apart.

    Raises:
        ValueError: it is none.

    """
    first, *rest = data.decode("latin-1").split("\r\n")[:-2]
    method, target, version = first.split(" ")
    if not version.startswith("HTTP/1.") or not target.startswith("/"):
        raise ValueError(first)
    lines = tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
    host = next((value for name, value in lines if name.lower() == "host"), "")
    path, _, query = target.partition("?")
    peer = str(writer.get_extra_info("peername")[0])
    return _Head(Request(method, path, query, host, lines, peer), lines, target)


def _asked(head: _Head, *, error: str) -> Asked:
    agent, referer = (
        next((value for name, value in head.lines if name.lower() == wanted), "")
        for wanted in ("user-agent", "referer")
    )
    asked = head.request
    return Asked(asked.method, head.target, "HTTP/1.1", asked.host, agent, referer, client=asked.source_ip, error=error)


def _onward(listener: Listener, head: _Head) -> bytes:
    """The head that the target gets. `Connection: close`: the end of the answer is the end of the connection."""
    forwarded = [value for name, value in head.lines if name.lower() == "x-forwarded-for"]
    kept = [(name, value) for name, value in head.lines if name.lower() not in _HOPS]
    kept += [
        ("X-Forwarded-For", ", ".join([*forwarded, head.request.source_ip])),
        ("X-Forwarded-Proto", listener.protocol.lower()),
        ("X-Forwarded-Port", str(listener.port)),
        ("Connection", "close"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
    return f"{head.request.method} {head.target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()


def _answer(status: int, content_type: str, body: str, extra: str = "") -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status} \r\nServer: awselb/2.0\r\nContent-Type: {content_type}\r\n{extra}"
    return f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data
