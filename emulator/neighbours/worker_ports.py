"""A queue of SQS as the daemon of a worker environment uses it: values only; moto answers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from emulator.neighbours.environment_ports import Place
from scheduler.beanstalk.worker_messages import Message


@dataclass(frozen=True, slots=True)
class Queue:
    """Which queue."""

    place: Place
    name: str

    @property
    def fifo(self) -> bool:
        """It keeps the order of its groups."""
        return self.name.endswith(".fifo")


@dataclass(frozen=True, slots=True)
class Received:
    """A message with the handle by which it is deleted."""

    message: Message
    receipt: str


class WorkerQueues(Protocol):
    """Sync and in process; called on the event-loop thread, outside transactions. A queue that is gone has no messages."""

    def receive(self, queue: Queue, count: int, visibility: int) -> list[Received]:
        """Up to `count` visible messages, hidden for `visibility` seconds from now on.

        What was received too often goes to the queue's dead-letter queue, what is older than the queue keeps messages is gone.
        """

    def delete(self, queue: Queue, receipts: Collection[str]) -> None:
        """Delete messages; one that is gone is no error."""

    def show_again(self, queue: Queue, receipts: Collection[str], seconds: int) -> None:
        """Have messages visible in `seconds`; one that is gone is no error."""

    def next_visible(self, queue: Queue) -> datetime | None:
        """When the next of the messages that are hidden or delayed can be received; None: there is none."""

    def put(self, queue: Queue, body: str, attributes: dict[str, str]) -> bool:
        """Put a message with these attributes (texts) into the queue; it is on disk when this returns.

        Returns: false where the queue is gone, or has a message with these attributes already.
        """

    def depth(self, queue: Queue) -> int | None:
        """How many messages are visible; None: there is no such queue."""
