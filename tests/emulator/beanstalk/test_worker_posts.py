"""The daemon's requests against what really listens, well or badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.beanstalk.worker_posts import ask
from emulator.beanstalk.workers import Target
from emulator.clock import Clock
from scheduler.beanstalk.worker_messages import Post, WorkerSettings
from tests.running import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
POST = Post("/do it?a=1", {"User-Agent": "aws-sqsd/3.0", "X-Aws-Sqsd-Attr-a": "ä"}, '{"ä": 1}')


def target(port: int, *, proxied: bool = True) -> Target:
    return Target("i-1", "127.0.0.1", port, proxied, "web:1")


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[Target]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield target(int(server.sockets[0].getsockname()[1]))


def asked(serve: Serve) -> int | None:
    """The status of an answer."""

    async def run() -> int | None:
        async with listening(serve) as there:
            return await ask(Clock(), there, POST, WorkerSettings())

    return asyncio.run(run())


def answering(answer: bytes, seen: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(len(POST.body.encode()))
        if seen is not None:
            seen.append(head + body)
        writer.write(answer)
        writer.close()

    return serve


def test_the_request() -> None:
    seen: list[bytes] = []
    assert asked(answering(b"HTTP/1.0 200 OK\r\n\r\nwell", seen)) == 200
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /do%20it?a=1 HTTP/1.1",
        b"Host: localhost",
        b"User-Agent: aws-sqsd/3.0",
        "X-Aws-Sqsd-Attr-a: ä".encode(),
        b"Content-Length: 9",
        b"Connection: close",
    ]
    assert body == '{"ä": 1}'.encode()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 503),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"SSH-2.0\r\n\r\n", None),
    ],
)
def test_answers(answer: bytes, status: int | None) -> None:
    assert asked(answering(answer)) == status


@settings(max_examples=40)
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: f"HTTP/1.1 {text}\r\n\r\n".encode()))
def test_no_answer_is_our_fault(answer: bytes) -> None:
    status = asked(answering(answer))
    assert status is None or 200 <= status <= 999


@pytest.mark.parametrize(("proxied", "status"), [(True, 502), (False, None)])
def test_where_nothing_listens_the_instances_proxy_answers(status: int | None, *, proxied: bool) -> None:
    there = target(free_port(), proxied=proxied)
    assert asyncio.run(ask(Clock(), there, POST, WorkerSettings())) == status


def test_no_answer_in_time_by_the_clock() -> None:
    asyncio.run(_hang())


async def _hang() -> None:
    clock, asked, hung = Clock(0.0), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        hung.set()
        writer.close()

    async def turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async with listening(serve) as there:
        asking = asyncio.create_task(ask(clock, there, POST, WorkerSettings(inactivity_timeout=60)))
        await asked.wait()
        await clock.advance(timedelta(seconds=59), turns)
        assert not asking.done()
        await clock.advance(timedelta(seconds=1), turns)
        assert await asking is None
        await asyncio.wait_for(hung.wait(), 10)
