"""The log driver `awslogs`: what containers write goes to CloudWatch Logs while they run, and all of it before they go.

The engine keeps each line with its instant, so shipping is carried on after a restart from the stream's last event.
Lines of the very millisecond in which a killed server put its last batch may be missing; none is ever put twice while
the clock runs at its real rate.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from emulator.clock import Clock
from emulator.neighbours.ports import LogEvent, LogGroupNotFoundError, Neighbours
from emulator.runtime.ports import ContainerRuntime, LogLine

_LOG = structlog.get_logger()
_BATCH = 1000
"""Lines of one request; CloudWatch takes 10,000."""

_BATCH_BYTES = 1_000_000
"""CloudWatch takes 1,048,576 bytes, its own 26 for each event included."""

_EVENT_BYTES = 262_144 - 26
"""A longer line becomes several events, as the driver makes it."""

_GATHER = 0.5
"""Seconds of real time (in which containers write) that a line waits for others."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class LogStream:
    """Where a container's lines go."""

    account: str
    region: str
    group: str
    stream: str


class LogShipper:
    """Ships the logs of many containers, each in an asyncio task of its own."""

    def __init__(self, runtime: ContainerRuntime, neighbours: Neighbours, clock: Clock) -> None:
        self._runtime, self._neighbours, self._clock = runtime, neighbours, clock
        self._shipping: dict[tuple[str, str], asyncio.Task[None]] = {}

    def ship(self, task_arn: str, container_name: str, to: LogStream, since: datetime | None = None) -> None:
        """Follow the container from `since` (an instant of the clock, exclusive) until it ends. Said twice, it is done once."""
        key = task_arn, container_name
        if key in self._shipping:
            return
        task = asyncio.get_running_loop().create_task(self._ship(task_arn, container_name, to, since))
        self._shipping[key] = task
        task.add_done_callback(lambda _task: self._shipping.pop(key, None))

    def resume(self, task_arn: str, container_name: str, to: LogStream) -> None:
        """Follow the container from the stream's last event on (after a restart)."""
        last = self._neighbours.last_log_event(to.account, to.region, to.group, to.stream)
        self.ship(task_arn, container_name, to, last)

    async def drained(self, task_arn: str) -> None:
        """Return once all that the task's containers wrote has been put; they must have ended."""
        await asyncio.gather(
            *(task for (arn, _), task in self._shipping.items() if arn == task_arn), return_exceptions=True
        )

    async def close(self) -> None:
        """Put what has been read and stop following; `resume` carries on."""
        tasks = list(self._shipping.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ship(self, task_arn: str, container_name: str, to: LogStream, since: datetime | None) -> None:
        ahead = self._ahead()
        after = None if since is None else since - ahead
        lines = self._runtime.logs(task_arn, container_name, after)
        batch: list[LogEvent] = []
        flush = asyncio.Event()
        putting = asyncio.get_running_loop().create_task(self._put_now_and_then(to, batch, flush))
        try:
            async for line in lines:
                if after is not None and line.at < after + _MILLISECOND:  # CloudWatch knows whole milliseconds only
                    continue
                batch.extend(_events(line, ahead))
                if len(batch) >= _BATCH:
                    self._put(to, batch)
                else:
                    flush.set()
        finally:
            putting.cancel()
            await _closed(lines)
            self._put(to, batch)

    async def _put_now_and_then(self, to: LogStream, batch: list[LogEvent], flush: asyncio.Event) -> None:
        while True:
            await flush.wait()
            await asyncio.sleep(_GATHER)
            flush.clear()
            self._put(to, batch)

    def _put(self, to: LogStream, batch: list[LogEvent]) -> None:
        events, batch[:] = batch[:], []
        try:
            for part in _parts(events):
                self._neighbours.put_log_events(to.account, to.region, to.group, to.stream, part)
        except LogGroupNotFoundError:
            # it was deleted under the running container, whose lines are lost then, as they are with AWS's driver
            _LOG.warning("log group not found: lines are lost", group=to.group, stream=to.stream, lines=len(events))

    def _ahead(self) -> timedelta:
        """How far the clock is ahead of the engine, in whole seconds: the same after a restart, so that resuming is exact."""
        return timedelta(seconds=round(self._clock.offset().total_seconds()))


async def _closed(lines: AsyncIterator[LogLine]) -> None:
    close = getattr(lines, "aclose", None)
    if close is not None:
        await close()


def _events(line: LogLine, ahead: timedelta) -> list[LogEvent]:
    """Empty lines are no events; a long one is several."""
    content = line.message.encode()
    if len(content) <= _EVENT_BYTES:
        return [LogEvent(line.at + ahead, line.message)] if content else []
    pieces = (content[start : start + _EVENT_BYTES] for start in range(0, len(content), _EVENT_BYTES))
    return [LogEvent(line.at + ahead, piece.decode(errors="replace")) for piece in pieces]


def _parts(events: Iterable[LogEvent]) -> list[list[LogEvent]]:
    """Requests that CloudWatch takes."""
    parts: list[list[LogEvent]] = []
    size = 0
    for event in events:
        cost = len(event.message.encode()) + 26
        if not parts or len(parts[-1]) == _BATCH or size + cost > _BATCH_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(event)
        size += cost
    return parts
