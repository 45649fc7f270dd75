"""Where the server listens for containers of tasks."""

import asyncio
import http.client
import socket

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api.task_endpoint import TaskEndpoint
from tests.running import free_port

ADDRESS = "127.77.3.2"


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"hello {request.path_params['who']}")


def endpoint() -> TaskEndpoint:
    return TaskEndpoint(Starlette(routes=[Route("/{who}", hello)]))


def ask(port: int) -> bytes:
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=10)
    connection.request("GET", "/you")
    answer = connection.getresponse().read()
    connection.close()
    return answer


def test_the_last_port_is_taken_again_and_another_where_it_cannot_be_had() -> None:
    async def play() -> None:
        last = free_port()
        first, second = endpoint(), endpoint()
        assert first.open_any(ADDRESS, last, free_port()) == last
        assert await asyncio.to_thread(ask, last) == b"hello you"
        other = second.open_any(ADDRESS, last, free_port())
        assert other not in {None, last}
        await second.close()
        await first.close()

    asyncio.run(play())


def test_an_address_of_another_machine_is_not_listened_to() -> None:
    async def play() -> None:
        found = endpoint()
        assert found.open_any("203.0.113.7", None, free_port()) is None
        await found.close()

    asyncio.run(play())


def test_port_80_is_not_written() -> None:
    assert TaskEndpoint.url("169.254.170.2", 80) == "http://169.254.170.2"
    assert TaskEndpoint.url("169.254.170.2", 4566) == "http://169.254.170.2:4566"


def test_the_address_is_free_again_afterwards() -> None:
    async def play() -> int:
        port = free_port()
        found = endpoint()
        assert found.open_any(ADDRESS, port, port) == port
        await asyncio.to_thread(ask, port)
        await found.close()
        return port

    socket.create_server((ADDRESS, asyncio.run(play()))).close()
