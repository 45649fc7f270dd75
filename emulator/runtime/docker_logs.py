"""What a container writes, followed as it is written; each follower has a thread of its own, which waits for its reader."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import docker
import structlog
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from emulator.runtime.docker_calls import cut
from emulator.runtime.docker_documents import instant
from emulator.runtime.ports import LogLine

if TYPE_CHECKING:
    from docker.types.daemon import CancellableStream

_LOG = structlog.get_logger()
_AHEAD = 10_000
"""Lines that are read before they are asked for."""

_FIRST_PAUSE, _NEXT_PAUSE = 0.05, 1.0
"""Seconds between two tries to reach an engine that went away."""

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
        self._last = b""
        """Stamp of the last line handed on."""
        self._loop = asyncio.get_running_loop()
        self._leave = threading.Event()
        self._stream: CancellableStream[bytes] | None = None
        self.lines: deque[LogLine] = deque()
        self.something = asyncio.Event()
        self.room, self.ended = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            pause = _FIRST_PAUSE  # a follower's end may come a moment before the container's
            while not self._leave.is_set() and not self._read_to_its_end():
                self._leave.wait(pause)
                pause = _NEXT_PAUSE
        finally:
            self.ended.set()
            self._wake()

    def _read_to_its_end(self) -> bool:
        """Whether all has been read, and not only what there was until the engine went away."""
        try:
            self._read(follow=True)
            if not self._leave.is_set():
                if self._runs():  # the engine went away, and is back
                    return False
                # engines before 23 end a follower before it has a last line that no newline ends
                self._read(follow=False)
        except NotFound:
            return True  # removed meanwhile
        except _CUT as error:
            if not self._leave.is_set():
                _LOG.warning("a container's log cannot be read now", container=self._runtime_id, error=str(error))
                return False
        return True

    def _runs(self) -> bool:
        return bool(self._api.inspect_container(self._runtime_id)["State"]["Running"])

    def _read(self, *, follow: bool) -> None:
        """Hand on the lines later than the last one; a follower leaves a last one that no newline ends (it may go on)."""
        since = _seconds(self._last) if self._last else self._since
        self._stream = self._api.logs(self._runtime_id, stream=True, follow=follow, timestamps=True, since=since)
        after = self._last
        try:
            lines = _lines(self._stream, whole=follow)
            while not self._leave.is_set() and (found := next(lines, None)) is not None:
                stamp, line = found
                if stamp > after:
                    self._last = stamp
                    self._hand_on(line)
        finally:
            cut(self._stream)

    def _hand_on(self, line: LogLine) -> None:
        self.lines.append(line)
        self._wake()
        while len(self.lines) >= _AHEAD and not self._leave.is_set():
            self.room.clear()
            self.room.wait(1)

    def _wake(self) -> None:
        if not self._leave.is_set() and not self.something.is_set():
            self._loop.call_soon_threadsafe(self.something.set)

    def close(self) -> None:
        self._leave.set()
        self.room.set()
        if self._stream is not None and not self.ended.is_set():
            cut(self._stream)


def _lines(frames: Iterator[bytes], *, whole: bool) -> Iterator[tuple[bytes, LogLine]]:
    """The engine sends an instant, a blank and at most 16 KiB of a line; a longer line comes in several such pieces.

    Each line comes with its first piece's stamp, which has a fixed width: stamps compare as instants do.
    """
    first, pieces = b"", list[bytes]()
    for frame in _records(frames):
        stamp, _, text = frame.partition(b" ")
        first = first or stamp
        pieces.append(text)
        if text.endswith(b"\n"):
            yield first, _line(first, pieces)
            first, pieces = b"", []
    if pieces and not whole:
        yield first, _line(first, pieces)


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


def _line(stamp: bytes, pieces: list[bytes]) -> LogLine:
    message = b"".join(pieces).removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace")
    return LogLine(instant(stamp.decode("ascii", "replace")) or _EPOCH, message)


def _seconds(stamp: bytes) -> float:
    return (instant(stamp.decode("ascii", "replace")) or _EPOCH).timestamp()
