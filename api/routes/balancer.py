"""The main port stands for every load balancer and environment: a request whose Host is the DNS name of one is handed to it.

So `curl http://NAME.elb.localhost:4566/` works where only the main port is published, and `curl -H 'Host: NAME…'` where
the name does not resolve.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING

import h11
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from emulator.balancer.proxy import Proxy

_LOG = structlog.get_logger()
_SUFFIXES = (b".elb.localhost", b".elasticbeanstalk.localhost", b".on.localhost")
_CHUNK = 1 << 16
_TRY_SECONDS, _TRY_INTERVAL = 10.0, 0.02
"""In real time, as the door tries the router."""
_HOPS = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te", b"expect", b"x-forwarded-for"}


class BalancerHost:
    """Looks at each request's Host before anything else does."""

    def __init__(self, app: ASGIApp, proxy: "Proxy") -> None:
        self._app, self._proxy = app, proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the load balancer, or to the application."""
        host = next((v for k, v in scope["headers"] if k == b"host"), b"") if scope["type"] == "http" else b""
        name = host.partition(b":")[0].lower()
        if not name.endswith(_SUFFIXES):
            await self._app(scope, receive, send)
            return
        found = self._proxy.address_of(name.decode("latin-1"))
        if found is None:
            await _say(send, 404, f"No load balancer or environment is called {name.decode('latin-1')}.\n")
            return
        address, port, tls = found
        answer = _Answer(send)
        try:
            await _hand_over(scope, receive, answer, (address, port, _unverified() if tls else None))
        except (OSError, h11.RemoteProtocolError) as error:
            _LOG.warning("a load balancer did not answer", host=name.decode("latin-1"), error=str(error))
            if answer.begun:
                raise  # the connection ends with it: half an answer must not be taken for a whole one
            await _say(send, 502, "The load balancer did not answer.\n")


class _Answer:
    """Passes an answer on, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


async def _hand_over(
    scope: Scope, receive: Receive, answer: _Answer, place: tuple[str, int, ssl.SSLContext | None]
) -> None:
    """Again where the connection ended without an answer, as long as the whole request is at hand: the door was replaced."""
    body, whole = await _read_body(receive)
    until = asyncio.get_running_loop().time() + _TRY_SECONDS
    while True:
        try:
            await _try(scope, (body, None if whole else receive), answer, place)
        except (OSError, h11.RemoteProtocolError):
            if answer.begun or not whole or asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(_TRY_INTERVAL)
        else:
            return


async def _read_body(receive: Receive) -> tuple[bytes, bool]:
    """The body's first bytes, as many as are kept for another try, and whether that is all of it."""
    kept = b""
    while len(kept) < _CHUNK:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client has gone")
        kept += message.get("body", b"")
        if not message.get("more_body", False):
            return kept, True
    return kept, False


async def _try(
    scope: Scope,
    body: tuple[bytes, Receive | None],
    send: Send,
    place: tuple[str, int, ssl.SSLContext | None],
) -> None:
    host, port, tls = place
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        await _send_request(connection, writer, scope, body)
        await _answer(connection, reader, send)
    finally:
        writer.close()


async def _send_request(
    connection: h11.Connection, writer: asyncio.StreamWriter, scope: Scope, body: tuple[bytes, Receive | None]
) -> None:
    target = scope["raw_path"].partition(b"?")[0]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    headers = [(name, value) for name, value in scope["headers"] if name not in _HOPS]
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    if scope.get("client"):
        forwarded.append(scope["client"][0].encode())
    headers += [(b"x-forwarded-for", b", ".join(forwarded)), (b"connection", b"close")]
    request = h11.Request(method=scope["method"], target=target, headers=headers)
    writer.write(connection.send(request) or b"")
    part, receive = body
    while True:
        if part:
            writer.write(connection.send(h11.Data(data=part)) or b"")
            await writer.drain()
        if receive is None:
            break
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client has gone")
        part = message.get("body", b"")
        receive = receive if message.get("more_body", False) else None
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader, send: Send) -> None:
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            headers = [(k, v) for k, v in event.headers if k not in {b"connection", b"transfer-encoding"}]
            await send({"type": "http.response.start", "status": event.status_code, "headers": headers})
        elif isinstance(event, h11.Data):
            await send({"type": "http.response.body", "body": bytes(event.data), "more_body": True})
        elif isinstance(event, h11.EndOfMessage):
            await send({"type": "http.response.body", "body": b""})
            return
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("it closed the connection")


async def _say(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _unverified() -> ssl.SSLContext:
    """Its certificate is one that we made."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
