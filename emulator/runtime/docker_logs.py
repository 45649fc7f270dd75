"""What a container writes, followed as it is written; each follower has a thread of its own, which waits for its reader."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import docker
import structlog
from docker.errors import DockerException
from requests.exceptions import RequestException

from emulator.runtime.docker_documents import instant
from emulator.runtime.ports import LogLine

if TYPE_CHECKING:
    from docker.types.daemon import CancellableStream

_LOG = structlog.get_logger()
_AHEAD = 10_000
"""Lines that are read before they are asked for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CUT = (DockerException, RequestException, OSError, AttributeError, ValueError)
"""What reading a stream that was cut or closed raises."""


async def follow(api: docker.APIClient, runtime_id: str, since: datetime | None) -> AsyncGenerator[LogLine, None]:
    """The lines from `since` on (the engine's time), until the container ends or the iterator is closed."""
    reader = _Reader(api, runtime_id, since.timestamp() if since is not None else None)
    reader.start()
    try:
        while True:
            await reader.something.wait()
            reader.something.clear()
            ended = reader.ended.is_set()
            while reader.lines:
                yield reader.lines.popleft()
            reader.room.set()
            if ended and not reader.lines:
                return
    finally:
        reader.close()


class _Reader(threading.Thread):
    """Reads ahead of the reader by a bounded number of lines, and wakes it once for all that came meanwhile."""

    def __init__(self, api: docker.APIClient, runtime_id: str, since: float | None) -> None:
        super().__init__(name="docker-logs", daemon=True)
        self._api, self._runtime_id, self._since = api, runtime_id, since
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._stream: CancellableStream[bytes] | None = None
        self.lines: deque[LogLine] = deque()
        self.something = asyncio.Event()
        self.room, self.ended = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            self._stream = self._api.logs(
                self._runtime_id, stream=True, follow=True, timestamps=True, since=self._since
            )
            for line in _lines(self._stream):
                self.lines.append(line)
                self._wake()
                while len(self.lines) >= _AHEAD and not self._closing:
                    self.room.clear()
                    self.room.wait(1)
                if self._closing:
                    return
        except _CUT as error:
            if not self._closing:
                _LOG.warning("a container's log cannot be read", container=self._runtime_id, error=str(error))
        finally:
            self.ended.set()
            self._wake()

    def _wake(self) -> None:
        if not self._closing and not self.something.is_set():
            self._loop.call_soon_threadsafe(self.something.set)

    def close(self) -> None:
        self._closing = True
        self.room.set()
        if self._stream is not None and not self.ended.is_set():
            self._stream.close()


def _lines(frames: Iterator[bytes]) -> Iterator[LogLine]:
    """The engine sends an instant, a blank and at most 16 KiB of a line; a longer line comes in several such pieces."""
    at: datetime | None = None
    pieces: list[bytes] = []
    try:
        for frame in _records(frames):
            stamp, _, text = frame.partition(b" ")
            at = at or instant(stamp.decode("ascii", "replace"))
            pieces.append(text)
            if text.endswith(b"\n"):
                yield LogLine(at or _EPOCH, _joined(pieces))
                at, pieces = None, []
    except _CUT:
        pass  # the engine went away or the reader closed: whoever follows begins again where it was
    if pieces:
        yield LogLine(at or _EPOCH, _joined(pieces))


def _records(frames: Iterator[bytes]) -> Iterator[bytes]:
    """A terminal's output comes byte by byte, other output record by record."""
    held = b""
    for frame in frames:
        held += frame
        if held.endswith(b"\n") or len(frame) > 1:
            yield held
            held = b""
    if held:
        yield held


def _joined(pieces: list[bytes]) -> str:
    return b"".join(pieces).removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace")
