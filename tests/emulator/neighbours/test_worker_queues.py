"""Queues of SQS as the daemon uses them, over moto's own: what it receives, hides, deletes and puts."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from emulator.clock import Clock
from emulator.neighbours.environment_ports import Place, QueueSpec
from emulator.neighbours.queues import EnvironmentQueues
from emulator.neighbours.worker_ports import Queue
from emulator.neighbours.worker_queues import MotoWorkerQueues
from emulator.neighbours.world import MotoWorld

PLACE = Place("111111111111", "us-east-1")
QUEUE, DEAD = Queue(PLACE, "jobs"), Queue(PLACE, "dead")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0, START)


@pytest.fixture
def world(clock: Clock) -> Iterator[MotoWorld]:
    found = MotoWorld(clock, "000000000000", None)
    spec = QueueSpec("jobs", "dead", visibility_timeout=30, retention=600, max_receives=2)
    EnvironmentQueues(found).ensure_queues(PLACE, spec, {})
    yield found
    found.close()


def advance(clock: Clock, **passed: float) -> None:
    async def nothing() -> None:
        """No loops."""

    asyncio.run(clock.advance(timedelta(**passed), nothing))


def test_a_message_is_hidden_shown_again_and_ends_in_the_dead_letter_queue(clock: Clock, world: MotoWorld) -> None:
    queues = MotoWorkerQueues(world)
    assert queues.put(QUEUE, "work", {"a": "1"})
    for received in (1, 2):
        (found,) = queues.receive(QUEUE, 10, 30)
        assert (found.message.body, found.message.received) == ("work", received)
        assert found.message.attributes == {"a": ("String", "1")}
        assert found.message.first_received_at == START
        assert queues.receive(QUEUE, 10, 30) == []
        queues.show_again(QUEUE, [found.receipt], 5)
        assert queues.next_visible(QUEUE) == clock.now() + timedelta(seconds=5, milliseconds=1)
        advance(clock, seconds=5, milliseconds=1)
    assert queues.receive(QUEUE, 10, 30) == []
    assert (queues.depth(QUEUE), queues.depth(DEAD), queues.next_visible(QUEUE)) == (0, 1, None)


def test_what_is_deleted_is_gone_and_what_is_too_old_too(clock: Clock, world: MotoWorld) -> None:
    queues = MotoWorkerQueues(world)
    for number in range(3):
        queues.put(QUEUE, "work", {"a": str(number)})
    (first,) = queues.receive(QUEUE, 1, 3600)
    queues.delete(QUEUE, [first.receipt, first.receipt, "other"])
    assert len(queues.receive(QUEUE, 1, 0)) == 1
    advance(clock, seconds=600)
    assert queues.receive(QUEUE, 10, 30) == [], "retention is over"
    queues.put(QUEUE, "work", {"a": "new"})
    assert [one.message.attributes for one in queues.receive(QUEUE, 10, 30)] == [{"a": ("String", "new")}]


def test_a_periodic_task_that_is_there_already_is_not_put_again(world: MotoWorld) -> None:
    queues = MotoWorkerQueues(world)
    assert queues.put(QUEUE, "work", {"task": "a", "at": "1"})
    assert queues.receive(QUEUE, 1, 30)
    assert not queues.put(QUEUE, "work", {"task": "a", "at": "1"}), "also while it is hidden"
    assert queues.put(QUEUE, "work", {"task": "a", "at": "2"})


def test_a_queue_that_is_gone_has_nothing(world: MotoWorld) -> None:
    queues = MotoWorkerQueues(world)
    for gone in (Queue(PLACE, "none"), Queue(Place("222222222222", "eu-west-1"), "jobs")):
        assert queues.receive(gone, 10, 30) == []
        assert (queues.depth(gone), queues.next_visible(gone), queues.put(gone, "work", {})) == (None, None, False)
        queues.delete(gone, ["x"])
        queues.show_again(gone, ["x"], 5)
