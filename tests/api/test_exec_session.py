import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import orjson
from sqlalchemy import select

from api.exec_session import LiveSession
from api.wire.agent_messages import TERMINATE_SESSION, AgentMessage, MessageType, PayloadType, decode, encode
from api.wire.data_channel import DataChannel
from emulator.ecs.exec_sessions import ExecSession
from emulator.emulator import Emulator
from emulator.runtime.faults import CannotExecuteCommandError
from emulator.runtime.ports import ExecStream
from emulator.runtime.simulated import SimulatedRuntime
from emulator.state.journal import JournalRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.playing import Playing, playing

ARN = "arn:aws:ecs:eu-west-1:111122223333:task/default/0"


@dataclass
class Shouting:
    """A program that writes in capitals what is typed, until `bye`."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    written: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    hung_up: bool = False

    async def read(self) -> bytes:
        return await self.written.get()

    async def write(self, data: bytes) -> None:
        self.written.put_nowait(b"" if data == b"bye" else data.upper())

    async def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    async def exit_code(self) -> int | None:
        return 3

    async def close(self) -> None:
        self.hung_up = True


class WithProgram(SimulatedRuntime):
    """A runtime in which a command can be executed."""

    program: Shouting | None = None

    async def execute(self, task_arn: str, container_name: str, command: str) -> ExecStream:
        del task_arn, container_name
        if self.program is None:
            raise CannotExecuteCommandError(f"no {command}")
        return self.program


@dataclass
class Client:
    """The other side, in memory."""

    live: LiveSession
    channel: DataChannel = field(
        default_factory=lambda: DataChannel(MessageType.INPUT, MessageType.OUTPUT, uuid4, lambda: 1)
    )
    came: list[AgentMessage] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    output: bytes = b""
    acknowledges: bool = True

    async def hear(self, data: bytes) -> None:
        message = decode(data)
        self.came.append(message)
        found = self.channel.receive(message)
        if message.payload_type == PayloadType.OUTPUT:
            self.output += b"".join(item.payload for item in found.delivered)
        self.arrived.set()
        if found.acknowledgement is not None and self.acknowledges:
            await self.live.received(encode(found.acknowledgement))

    async def say(self, payload_type: PayloadType, payload: bytes) -> None:
        await self.live.received(encode(self.channel.send(payload_type, payload)))

    async def until(self, holds: Callable[["Client"], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds(self):
                self.arrived.clear()
                await self.arrived.wait()

    def has(self, payload_type: PayloadType) -> bool:
        return any(message.payload_type == payload_type for message in self.came)

    def farewell(self) -> str | None:
        found = [orjson.loads(item.payload) for item in self.came if item.type == MessageType.CHANNEL_CLOSED]
        return str(found[0]["Output"]) if found else None


async def sitting(server: Playing, program: Shouting | None) -> Client:
    """A client that has shaken hands."""
    runtime = WithProgram(server.emulator.clock)
    runtime.program = program
    server.emulator.runtime = runtime
    session = opened(server.emulator)
    client = Client(LiveSession(server.emulator, session))
    await client.live.attach(client.hear)
    await client.until(lambda it: it.has(PayloadType.HANDSHAKE_REQUEST))
    await client.say(PayloadType.SIZE, b'{"cols":100,"rows":40}')
    await client.say(PayloadType.HANDSHAKE_RESPONSE, b"{}")
    if program is not None:
        await client.until(lambda it: it.has(PayloadType.HANDSHAKE_COMPLETE))
    return client


def opened(emulator: Emulator) -> ExecSession:
    session = ExecSession("s", ACCOUNT, REGION, "cluster", ARN, "app", "shout", None, emulator.clock.now())
    session.attached = True
    emulator.exec_sessions.add(session)
    return session


def test_typing_output_size_and_end() -> None:
    async def play() -> None:
        async with playing() as server:
            program = Shouting()
            client = await sitting(server, program)
            await client.say(PayloadType.OUTPUT, b"hello")
            await client.until(lambda it: it.output == b"HELLO")
            await client.say(PayloadType.SIZE, b'{"cols":0,"rows":"many"}')  # none
            await client.say(PayloadType.SIZE, b'{"cols":120,"rows":50}')
            await client.live.received(b"no message")
            await client.say(PayloadType.OUTPUT, b"bye")
            await client.until(lambda it: it.farewell() == "")
            await client.live.over.wait()
            assert program.sizes == [(100, 40), (100, 40), (120, 50)]
            assert program.hung_up
            assert server.emulator.exec_sessions.find("s") is None
            server.emulator.journal.flush()
            with server.emulator.store.begin() as session:
                told = session.scalars(select(JournalRow.detail).where(JournalRow.subject == ARN)).all()
            assert [item["exitCode"] for item in told if "exitCode" in item] == [3]

    asyncio.run(play())


def test_a_command_that_cannot_be_executed_ends_the_session_with_the_reason() -> None:
    async def play() -> None:
        async with playing() as server:
            client = await sitting(server, None)
            await client.until(lambda it: it.farewell() == "no shout")

    asyncio.run(play())


def test_an_idle_session_ends_after_20_minutes_of_the_clock() -> None:
    async def play() -> None:
        async with playing() as server:
            program = Shouting()
            client = await sitting(server, program)
            await server.emulator.clock.advance(timedelta(minutes=19), server.settle)
            await client.say(PayloadType.OUTPUT, b"still here")
            await client.until(lambda it: it.output == b"STILL HERE")
            await server.emulator.clock.advance(timedelta(minutes=19), server.settle)
            assert not client.live.over.is_set()
            await server.emulator.clock.advance(timedelta(minutes=2), server.settle)
            await client.until(lambda it: "idle for 20 minutes" in (it.farewell() or ""))
            assert program.hung_up

    asyncio.run(play())


def test_what_was_not_acknowledged_is_sent_again_also_to_who_comes_back() -> None:
    async def play() -> None:
        async with playing() as server:
            client = await sitting(server, Shouting())
            client.acknowledges = False
            await client.say(PayloadType.OUTPUT, b"a")
            await client.until(lambda it: [item.payload for item in it.came].count(b"A") >= 2)
            client.live.detach(client.hear)
            client.came.clear()
            client.acknowledges = True
            await client.live.attach(client.hear)
            await client.until(lambda it: b"A" in [item.payload for item in it.came])
            assert client.output == b"A"  # once
            await client.live.end("")

    asyncio.run(play())


def test_the_client_ends_the_session() -> None:
    async def play() -> None:
        async with playing() as server:
            program = Shouting()
            client = await sitting(server, program)
            await client.say(PayloadType.FLAG, TERMINATE_SESSION.to_bytes(4, "big"))
            await client.until(lambda it: it.farewell() == "")
            assert program.hung_up

    asyncio.run(play())
