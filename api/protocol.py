"""How the web server speaks HTTP: as uvicorn does, but an answer's head and body leave in one system call.

uvicorn writes both apart; for answers of a few hundred bytes the second call cost as much as finding the answer.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE = 64 * 1024
"""Bytes beyond which nothing is held back."""


class CorkedTransport:
    """Holds small writes back until the end of this turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Write soon, together with what else is written in this turn."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            held, self._held, self._size = self._held, [], 0
            self._transport.write(b"".join(held) if len(held) > 1 else held[0])

    def close(self) -> None:
        """Write what is held and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol on a corked transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn types it so, too
        """Begin with a connection."""
        super().connection_made(CorkedTransport(transport, self.loop))  # type: ignore[arg-type]  # it is one to all who use it
