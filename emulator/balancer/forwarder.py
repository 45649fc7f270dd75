"""TCP listeners of network load balancers: Caddy as it is published forwards no TCP, so bytes are carried here.

TLS, UDP and TCP_UDP listeners are not carried out.
"""

import asyncio
import itertools
import socket
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

_CHUNK = 1 << 16
_CONNECT_SECONDS = 10.0


class Forwarders:
    """The TCP listeners, by port."""

    def __init__(self) -> None:
        self._listeners: dict[int, _Listener] = {}

    async def apply(self, wanted: Mapping[int, tuple[socket.socket, Sequence[str]]]) -> None:
        """Serve exactly these ports: each a listening socket and the addresses behind it. Connections go on."""
        for port in set(self._listeners) - set(wanted):
            await self._listeners.pop(port).stop()
        for port, (listener, targets) in wanted.items():
            if port not in self._listeners:
                self._listeners[port] = _Listener()
                await self._listeners[port].start(listener)
            self._listeners[port].use(targets)

    def under_way(self) -> Mapping[str, int]:
        """Address → connections that are open there."""
        return sum((listener.open for listener in self._listeners.values()), Counter[str]())

    async def stop(self) -> None:
        """Close everything."""
        await self.apply({})


class _Listener:
    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self._turn: Iterator[str] = iter(())
        self._targets: tuple[str, ...] = ()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket.socket) -> None:
        # a copy: closing the server must not close the socket that the port's owner keeps
        self._server = await asyncio.start_server(self._accept, sock=listener.dup())

    def use(self, targets: Sequence[str]) -> None:
        if tuple(targets) != self._targets:
            self._targets = tuple(targets)
            self._turn = itertools.cycle(self._targets)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a connection has one
        self._tasks.add(task)
        try:
            address = next(self._turn, None)
            if address is not None:
                await self._carry(address, reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _carry(self, address: str, reader: StreamReader, writer: StreamWriter) -> None:
        host, _, port = address.rpartition(":")
        self.open[address] += 1
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                back_reader, back_writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, TimeoutError):
            self.open[address] -= 1
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back_writer))
                group.create_task(_pump(back_reader, writer))
        except* OSError:  # one side has gone: so does the connection
            pass
        finally:
            self.open[address] -= 1
            back_writer.close()


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
