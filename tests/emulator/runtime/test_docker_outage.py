"""An engine that goes away and comes back: nothing is lost. Between us and the engine stands a door that can be shut."""

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.runtime.docker_endpoint import endpoint
from emulator.runtime.ports import LogLine
from tests.emulator.runtime.stages import docker_stage, task

pytestmark = pytest.mark.docker


class Door:
    """A socket that leads to the engine's while it is open; it has a thread and an event loop of its own."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path, self.engine = path, engine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._ends: set[asyncio.StreamWriter] = set()
        self._leading: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def open(self) -> None:
        self._do(self._open())

    def shut(self) -> None:
        """Cut whatever goes through, and refuse what comes."""
        self._do(self._shut())

    def remove(self) -> None:
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def docker(self, *arguments: str) -> None:
        """What somebody does while we cannot see it."""
        subprocess.run(["docker", "-H", f"unix://{self.engine}", *arguments], check=True, capture_output=True)

    def _do(self, wanted: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(wanted, self._loop).result(10)

    async def _open(self) -> None:
        self._server = await asyncio.start_unix_server(self._let_in, self.path)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self.path.unlink(missing_ok=True)
        for end in tuple(self._ends):
            end.transport.abort()
        await asyncio.gather(*self._leading, return_exceptions=True)

    def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leading = self._loop.create_task(self._lead(reader, writer))
        self._leading.add(leading)
        leading.add_done_callback(self._leading.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_unix_connection(self.engine)
        both = {writer, to}
        self._ends |= both
        try:
            await asyncio.gather(_carry(reader, to), _carry(there, writer))
        finally:
            for end in both:
                end.transport.abort()
            self._ends -= both


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@pytest.fixture
def door(engine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """An open one, which runtimes made from here on go through."""
    del engine
    address = endpoint()
    if not address.startswith("unix://"):
        pytest.skip("the engine is not at a local socket")
    found = Door(tmp_path / "door", address.removeprefix("unix://"))
    found.open()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{found.path}")
    yield found
    found.remove()


# the SDK does not close a socket that could not be connected, the garbage collector does
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ends_and_lines_of_an_outage_are_caught_up_with(busybox: str, door: Door) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            of, lines = task(), list[LogLine]()
            talks = replace(
                stage.container("polite"),
                command=("sh", "-c", "echo one; while ! [ -e /go ]; do sleep 0.1; done; echo two; exit 5"),
            )
            started = await stage.start(of, talks)
            dies = await stage.start(task(), replace(stage.container("polite"), name="dies"))
            first = asyncio.Event()

            async def follow() -> None:
                async for line in stage.runtime.logs(of.arn, "polite", None):
                    lines.append(line)
                    first.set()

            following = asyncio.create_task(follow())
            await first.wait()
            door.shut()
            door.docker("kill", dies.runtime_id)
            door.docker("exec", started.runtime_id, "touch", "/go")
            door.docker("wait", started.runtime_id)
            door.open()
            assert (await stage.witness.exit_of("dies")).exit_code == 137
            assert (await stage.witness.exit_of("polite")).exit_code == 5
            await following
            assert [line.message for line in lines] == ["one", "two"]

    asyncio.run(play())
