"""A request that is handed to a load balancer outlives the replacing of the process that would have answered it."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import h11
import pytest
from starlette.types import Message

from api.routes.balancer import BalancerHost

if TYPE_CHECKING:
    from emulator.balancer.proxy import Proxy

NAME = "web.elb.localhost"


class At:
    """Stands for the proxy: says where the one load balancer answers."""

    def __init__(self, port: int) -> None:
        self._port = port

    def address_of(self, _name: str) -> tuple[str, int, bool]:
        return "127.0.0.1", self._port, False


async def asked(answers: Iterator[bytes], *body: bytes) -> tuple[list[Message], list[bytes]]:
    """What a client is sent when connections end with these answers, in turn; and the bodies that came."""
    requests = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        requests.append(await reader.readexactly(len(b"".join(body))))
        writer.write(next(answers))
        writer.close()

    messages = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    messages.append({"type": "http.request", "body": b""})
    coming = iter(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", NAME.encode()), (b"content-length", str(sum(map(len, body))).encode())]
    scope = {"type": "http", "method": "POST", "raw_path": b"/", "query_string": b"", "headers": headers}
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        app: Any = None
        port = server.sockets[0].getsockname()[1]
        await BalancerHost(app, cast("Proxy", At(port)))(scope, receive, send)
    return sent, requests


WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize("body", [(), (b"first ", b"last")])
def test_it_is_sent_again_where_the_connection_ended_without_an_answer(body: tuple[bytes, ...]) -> None:
    sent, requests = asyncio.run(asked(iter((b"", b"", WELL)), *body))
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"hi")
    assert requests == [b"".join(body)] * 3


def test_nothing_is_sent_again_once_an_answer_has_begun() -> None:
    with pytest.raises(h11.RemoteProtocolError):
        asyncio.run(asked(iter((b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",))))
