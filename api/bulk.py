"""The web server's protocol with two things more, for bodies that are large (`docs/decisions/0012-layers-by-sendfile.md`).

A response's body can come straight from a file, by the kernel's sendfile: the bytes never enter this process. A request's body
can be had in parts of a MiB instead of 64 KiB, without being copied together: docker sends chunks of 32 KiB, and a turn of
the event loop for each two of them costs more than the layer's hash.

The application finds both as functions in the scope's extensions.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.protocol import CorkedTransport, Protocol

SENDFILE, PARTS = "ashore.sendfile", "ashore.parts"
SendFile = Callable[[int, int, int], Awaitable[None]]
"""Sends so many bytes of an open file from an offset on, between the start and the end of a response: descriptor,
offset, count."""
Parts = Callable[[], AsyncIterator[list[bytes]]]
_AT_ONCE = 4 << 20
"""Bytes offered to the kernel at a time; it takes what the socket's buffer has room for."""
_PART = 1 << 20
"""Bytes that are collected before the application is woken."""


async def body_parts(request: Request) -> AsyncIterator[list[bytes]]:
    """The body in lists of about a MiB, as far as the server can collect them.

    Raises:
        ClientDisconnect: the client went away before its end; what had arrived was given.

    """
    parts: Parts | None = request.scope.get("extensions", {}).get(PARTS)
    if parts is None:
        async for chunk in request.stream():
            yield [chunk]
        return
    async for part in parts():
        yield part


class BulkProtocol(Protocol):
    """One connection."""

    _collecting: RequestResponseCycle | None = None
    """The request whose body is collected in parts."""
    _parts: list[bytes]
    _waiting = 0
    """Bytes in `_parts`."""

    def on_headers_complete(self) -> None:
        """A request begins."""
        super().on_headers_complete()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.scope is self.scope:  # not so where the request asks for a WebSocket
            extensions: dict[str, Any] = {
                SENDFILE: partial(self._send_file, cycle),
                PARTS: partial(self._receive_parts, cycle),
            }
            self.scope["extensions"] = extensions

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body has arrived."""
        if self._collecting is None or self._collecting is not self.cycle:
            super().on_body(body)
        elif not self.cycle.response_complete:
            self._parts.append(body)
            self._waiting += len(body)
            if self._waiting >= _PART:
                self.flow.pause_reading()
                self.cycle.message_event.set()

    async def _receive_parts(self, cycle: RequestResponseCycle) -> AsyncIterator[list[bytes]]:
        if cycle.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        self._parts, self._waiting, self._collecting = [bytes(cycle.body)], len(cycle.body), cycle
        cycle.body = bytearray()
        while True:
            while cycle.more_body and self._waiting < _PART and not cycle.disconnected:
                self.flow.resume_reading()
                await cycle.message_event.wait()
                cycle.message_event.clear()
            ended, parts = not cycle.more_body, self._parts
            self._parts, self._waiting = [], 0
            if any(parts):
                yield parts
            if ended:
                break
            if cycle.disconnected:
                raise ClientDisconnect
        self._collecting = None

    async def _send_file(self, cycle: RequestResponseCycle, descriptor: int, offset: int, count: int) -> None:
        await self._flush()
        with ExitStack() as stack:
            socket = os.dup(self.transport.get_extra_info("socket").fileno())  # the loop watches the other one
            stack.callback(os.close, socket)
            try:
                while count and not cycle.disconnected:
                    sent = await self._send_some(socket, descriptor, offset, min(count, _AT_ONCE))
                    offset, count = offset + sent, count - sent
                    cycle.expected_content_length -= sent
            except ConnectionError:
                cycle.disconnected = True  # the loop will see it, too

    async def _flush(self) -> None:
        """Wait until the headers, which the loop writes, are with the kernel."""
        cast("CorkedTransport", self.transport).flush()
        self.transport.set_write_buffer_limits(high=0)
        if self.transport.get_write_buffer_size():
            await self.flow.drain()
        self.transport.set_write_buffer_limits()

    async def _send_some(self, socket: int, descriptor: int, offset: int, count: int) -> int:
        """Send what fits; a thread may have to wait for the disk."""
        while True:
            try:
                sent = await asyncio.to_thread(os.sendfile, socket, descriptor, offset, count)
            except BlockingIOError:
                await self._writable(socket)
                continue
            if not sent:
                raise OSError(f"file of a layer ends {count} bytes early")
            return sent

    async def _writable(self, socket: int) -> None:
        future: asyncio.Future[None] = self.loop.create_future()

        def ready() -> None:
            if not future.done():
                future.set_result(None)

        self.loop.add_writer(socket, ready)
        try:
            await future
        finally:
            self.loop.remove_writer(socket)
