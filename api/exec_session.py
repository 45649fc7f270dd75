"""An ECS Exec session that somebody sits at: a data channel on one side, a process in a container on the other.

The session outlasts its connection: who comes back with a new token (ResumeSession) is sent again what he has not acknowledged.
It ends with the process, when the client asks for it, or 20 minutes of the clock after the last keystroke or output.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import structlog

from api.wire.agent_messages import (
    TERMINATE_SESSION,
    AgentMessage,
    MalformedMessageError,
    MessageType,
    PayloadType,
    decode,
    encode,
)
from api.wire.data_channel import DataChannel
from emulator.ecs.exec_sessions import IDLE, ExecSession
from emulator.emulator import Emulator
from emulator.journal import Entry, Kind
from emulator.runtime.faults import RuntimeFault
from emulator.runtime.ports import ExecStream

_LOG = structlog.get_logger()
_RESEND = 0.5
"""Seconds of real time (a network's, not the clock's) after which what was not acknowledged is sent again."""

_AHEAD = 256
"""Client messages that wait for a process that does not read; those beyond are not acknowledged yet."""

_AGENT_VERSION = "3.1.0.0"
_IDLE_OUTPUT = "Session timed out: it was idle for 20 minutes."  # (unconfirmed) text

SendBytes = Callable[[bytes], Awaitable[None]]


class LiveSession:
    """One session, from its first connection to the end of its process."""

    def __init__(self, emulator: Emulator, session: ExecSession) -> None:
        self._emulator, self._session = emulator, session
        self._channel = DataChannel(MessageType.OUTPUT, MessageType.INPUT, uuid4, self._now_ms)
        self._stream: ExecStream | None = None
        self._send: SendBytes | None = None
        self._input: asyncio.Queue[AgentMessage] = asyncio.Queue()
        self._room = asyncio.Event()
        self._last_used = emulator.clock.now()
        self._began = emulator.clock.now()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self.over = asyncio.Event()
        """Set when the client has been told the end."""
        session.terminate = lambda: self._background(self.end(""))

    def _now_ms(self) -> int:
        return int(self._emulator.clock.now().timestamp() * 1000)

    def _background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - the outermost edge: our bug, or the engine's failure, ends the session
            _LOG.exception("an ECS Exec session failed", session=self._session.id)
            self._background(self.end("The session failed; Ashore's log tells why."))

    async def attach(self, send: SendBytes) -> None:
        """A client has connected; the first is greeted, a later one is sent what it may have missed."""
        first, self._send = not self._tasks, send
        if not first:
            await self._resend()
            return
        for work in (self._feed(), self._watch_idle(), self._resend_often()):
            self._background(work)
        action = {
            "ActionType": "SessionType",
            "ActionParameters": {"SessionType": "Standard_Stream", "Properties": None},
        }
        greeting = {"AgentVersion": _AGENT_VERSION, "RequestedClientActions": [action]}
        await self._tell(PayloadType.HANDSHAKE_REQUEST, orjson.dumps(greeting))

    def detach(self, send: SendBytes) -> None:
        """The client has gone; it may come back."""
        if self._send is send:
            self._send = None

    async def received(self, data: bytes) -> None:
        """One message of the client's; what is none is left out, and journaled by nobody."""
        try:
            message = decode(data)
            if message.type == MessageType.INPUT and self._input.qsize() >= _AHEAD:
                return  # it comes again
            found = self._channel.receive(message)
        except MalformedMessageError as error:
            _LOG.warning("a client sent no message", session=self._session.id, error=str(error))
            return
        if not self._channel.full:
            self._room.set()
        if found.acknowledgement is not None:
            await self._put(found.acknowledgement)
        for delivered in found.delivered:
            self._input.put_nowait(delivered)

    async def _feed(self) -> None:
        """Carry out what the client says, in order."""
        size = (80, 24)
        while True:
            message = await self._input.get()
            self._last_used = self._emulator.clock.now()
            match message.payload_type:
                case PayloadType.HANDSHAKE_RESPONSE if self._stream is None:
                    if not await self._begin(size):
                        return
                case PayloadType.OUTPUT if self._stream is not None:
                    await self._stream.write(message.payload)
                case PayloadType.SIZE:
                    size = _size(message.payload) or size
                    if self._stream is not None:
                        await self._stream.resize(*size)
                case PayloadType.FLAG if int.from_bytes(message.payload, "big") == TERMINATE_SESSION:
                    self._background(self.end(""))
                    return

    async def _begin(self, size: tuple[int, int]) -> bool:
        """Whether the process has begun."""
        session, took = self._session, self._emulator.clock.now() - self._began
        try:
            self._stream = await self._emulator.runtime.execute(
                session.task_arn, session.container_name, session.command
            )
        except RuntimeFault as fault:
            self._background(self.end(str(fault)))
            return False
        done = {"HandshakeTimeToComplete": took // timedelta(microseconds=1) * 1000, "CustomerMessage": ""}
        await self._tell(PayloadType.HANDSHAKE_COMPLETE, orjson.dumps(done))
        await self._stream.resize(*size)
        self._background(self._follow(self._stream))
        return True

    async def _follow(self, stream: ExecStream) -> None:
        """Send what the process writes, until it ends."""
        while data := await stream.read():
            self._last_used = self._emulator.clock.now()
            await self._tell(PayloadType.OUTPUT, data)
        code = await stream.exit_code()
        self._note({"exitCode": code})
        self._background(self.end(""))

    async def _tell(self, payload_type: PayloadType, payload: bytes) -> None:
        while self._channel.full:
            self._room.clear()
            await self._room.wait()
        await self._put(self._channel.send(payload_type, payload))

    async def _put(self, message: AgentMessage) -> None:
        if self._send is not None:
            await self._send(encode(message))

    async def _resend(self) -> None:
        for message in self._channel.unacknowledged:
            await self._put(message)

    async def _resend_often(self) -> None:
        """Send again what was not acknowledged for a while."""
        before: set[UUID] = set()
        while True:
            await asyncio.sleep(_RESEND)
            for message in self._channel.unacknowledged:
                if message.id in before:
                    await self._put(message)
            before = {message.id for message in self._channel.unacknowledged}

    async def _watch_idle(self) -> None:
        clock = self._emulator.clock
        while (until := self._last_used + IDLE) > clock.now():
            await clock.sleep_until(until)
        self._background(self.end(_IDLE_OUTPUT))

    async def end(self, output: str) -> None:
        """End the session, and what is left of the process."""
        if self._ending:
            return
        self._ending = True
        self._emulator.exec_sessions.forget(self._session.id)
        current = asyncio.current_task()
        for task in self._tasks - {current} if current is not None else set(self._tasks):
            task.cancel()
        if self._stream is not None:
            await self._stream.close()
        if self._send is not None:
            await self._put(self._channel.close(self._session.id, output))
        self._note({"ended": output or "closed"})
        self.over.set()

    def _note(self, detail: dict[str, object]) -> None:
        session = self._session
        told = {"execSession": session.id, "container": session.container_name, **detail}
        now = self._emulator.clock.now()
        self._emulator.journal.note(
            Entry(now, Kind.STATE_CHANGE, session.account, session.region, session.task_arn, told, session.cluster_arn)
        )


def _size(payload: bytes) -> tuple[int, int] | None:
    """Columns and rows; None where they are none."""
    try:
        document = orjson.loads(payload)
        columns, rows = int(document["cols"]), int(document["rows"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return (columns, rows) if 0 < columns < 2**16 and 0 < rows < 2**16 else None
