"""Lines of containers in CloudWatch Logs: all of them, once each, in order, also over a restart."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from emulator.clock import Clock
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.ports import LogEvent
from emulator.neighbours.world import MotoWorld
from emulator.runtime.awslogs import LogShipper, LogStream
from emulator.runtime.ports import LogLine
from emulator.runtime.simulated import SimulatedRuntime
from tests.emulator.runtime.stages import docker_stage, task

_START = datetime(2026, 1, 1, tzinfo=UTC)
_ACCOUNT = "000000000000"
_TO = LogStream(_ACCOUNT, "us-east-1", "/app", "web/app/1")


class TalkingRuntime(SimulatedRuntime):
    """A simulated runtime whose containers write."""

    def __init__(self, clock: Clock, lines: Sequence[LogLine]) -> None:
        super().__init__(clock)
        self._lines = lines

    async def logs(self, task_arn: str, container_name: str, since: datetime | None) -> AsyncIterator[LogLine]:
        del task_arn, container_name
        for line in self._lines:
            if since is None or line.at >= since:
                yield line


class NoticingNeighbours(MotoNeighbours):
    """Tells when something was put."""

    def __init__(self, world: MotoWorld) -> None:
        super().__init__(world)
        self.put = asyncio.Event()

    def put_log_events(self, account: str, region: str, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        super().put_log_events(account, region, group, stream, events)
        self.put.set()


@pytest.fixture(scope="module")
def world() -> MotoWorld:
    return MotoWorld(Clock(), _ACCOUNT, None)


@pytest.fixture
def neighbours(world: MotoWorld) -> NoticingNeighbours:
    found = NoticingNeighbours(world)
    logs = world.backend("logs", _ACCOUNT, "us-east-1")
    logs.groups.pop("/app", None)
    found.create_log_stream(_ACCOUNT, "us-east-1", "/app", "web/app/1", create_group=True)
    return found


def put(neighbours: MotoNeighbours) -> list[tuple[int, str]]:
    """The stream's events."""
    events = neighbours.world.backend("logs", _ACCOUNT, "us-east-1").groups["/app"].streams["web/app/1"].events
    return [(event.timestamp, event.message) for event in events]


def at(clock: Clock, milliseconds: float, message: str) -> LogLine:
    """A line of the last hour."""
    start = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    return LogLine(start + timedelta(milliseconds=milliseconds), message)


def test_every_line_is_put_once_and_in_order(neighbours: MotoNeighbours) -> None:
    async def play() -> None:
        clock = Clock()
        lines = [at(clock, number / 10, f"line {number}") for number in range(2500)]
        shipper = LogShipper(TalkingRuntime(clock, lines), neighbours, clock)
        for _ in range(2):
            shipper.ship("task", "app", _TO)
        await shipper.drained("task")
        assert [message for _, message in put(neighbours)] == [f"line {number}" for number in range(2500)]
        await shipper.close()

    asyncio.run(play())


def test_shipping_is_carried_on_from_the_last_event(neighbours: MotoNeighbours) -> None:
    async def play() -> None:
        clock = Clock()
        lines = [at(clock, number + 0.6, f"line {number}") for number in range(100)]
        before = LogShipper(TalkingRuntime(clock, lines[:60]), neighbours, clock)
        before.resume("task", "app", _TO)
        await before.drained("task")
        after = LogShipper(TalkingRuntime(clock, lines), neighbours, clock)
        after.resume("task", "app", _TO)
        await after.drained("task")
        assert [message for _, message in put(neighbours)] == [f"line {number}" for number in range(100)]

    asyncio.run(play())


def test_events_bear_the_clocks_time_and_are_carried_on_there(neighbours: MotoNeighbours) -> None:
    async def play() -> None:
        ahead = Clock(start=Clock().now() + timedelta(minutes=30))
        lines = [at(Clock(), number, f"line {number}") for number in range(10)]
        for known in (lines[:5], lines):
            shipper = LogShipper(TalkingRuntime(ahead, known), neighbours, ahead)
            shipper.resume("task", "app", _TO)
            await shipper.drained("task")
        moved = [int((line.at + timedelta(minutes=30)).timestamp() * 1000) for line in lines]
        assert put(neighbours) == [(when, line.message) for when, line in zip(moved, lines, strict=True)]

    asyncio.run(play())


def test_empty_lines_are_no_events_and_long_ones_are_several(neighbours: MotoNeighbours) -> None:
    async def play() -> None:
        clock = Clock()
        lines = [at(clock, 0, ""), at(clock, 1, "x" * 600_000), at(clock, 2, "y" * 262_118), at(clock, 3, "end")]
        shipper = LogShipper(TalkingRuntime(clock, lines), neighbours, clock)
        shipper.ship("task", "app", _TO)
        await shipper.drained("task")
        assert [len(message) for _, message in put(neighbours)] == [262_118, 262_118, 75_764, 262_118, 3]

    asyncio.run(play())


def test_a_group_that_is_deleted_meanwhile_loses_lines_and_says_so(neighbours: MotoNeighbours) -> None:
    async def play() -> None:
        clock = Clock()
        shipper = LogShipper(TalkingRuntime(clock, [at(clock, 0, "lost")]), neighbours, clock)
        shipper.ship("task", "app", replace(_TO, group="/deleted"))
        with capture_logs() as said:
            await shipper.drained("task")
        assert [entry["event"] for entry in said] == ["log group not found: lines are lost"]

    asyncio.run(play())


@pytest.mark.docker
def test_lines_are_readable_while_the_container_runs_and_none_is_lost_at_its_end(
    busybox: str, neighbours: NoticingNeighbours
) -> None:
    script = "trap 'echo stopping; printf bye; exit 0' TERM; echo first; echo second; sleep 300 & wait"

    async def play() -> None:
        async with docker_stage(busybox) as stage:
            clock = Clock()
            of = task()
            container = replace(stage.container("polite"), command=("sh", "-c", script))
            await stage.start(of, container)
            shipper = LogShipper(stage.runtime, neighbours, clock)
            shipper.ship(of.arn, container.name, _TO)
            async with asyncio.timeout(20):
                while len(put(neighbours)) < 2:
                    neighbours.put.clear()
                    await neighbours.put.wait()
            # the server ends and another carries on
            await shipper.close()
            shipper = LogShipper(stage.runtime, neighbours, clock)
            shipper.resume(of.arn, container.name, _TO)
            await stage.runtime.stop(of.arn, container.name, 10)
            await shipper.drained(of.arn)
            await stage.runtime.remove(of.arn)
            assert [message for _, message in put(neighbours)] == ["first", "second", "stopping", "bye"]

    asyncio.run(play())
