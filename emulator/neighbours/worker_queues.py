"""`worker_ports.WorkerQueues` over moto's SQS."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.neighbours.worker_ports import Queue, Received
from emulator.neighbours.world import MotoWorld
from scheduler.beanstalk.worker_messages import Message

_TICK = timedelta(milliseconds=1)
"""A message of moto's is hidden up to and with its instant."""


class MotoWorkerQueues:
    """Receives, deletes and puts messages."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def receive(self, queue: Queue, count: int, visibility: int) -> list[Received]:
        """See `WorkerQueues`."""
        with self._world.lock:
            found = self._queue(queue)
            if found is None:
                return []
            _expire(found, self._world.now())
            if not found.messages:
                return []
            taken = self._sqs(queue).receive_message(queue.name, count, 0, visibility, ["All"])
        self._world.save_soon("sqs")
        return [Received(_message(queue, one), str(one.receipt_handle)) for one in taken]

    def delete(self, queue: Queue, receipts: Collection[str]) -> None:
        """See `WorkerQueues`. All at once: moto looks at the whole queue for each."""
        handles = set(receipts)
        with self._world.lock:
            found = self._queue(queue)
            if found is None:
                return
            gone = {message for message in found._messages if not handles.isdisjoint(message.all_receipt_handles)}  # noqa: SLF001 - as above
            for message in gone:
                found.deleted_messages.update(message.all_receipt_handles)
            found.pending_messages.difference_update(gone)
            found._messages = [message for message in found._messages if message not in gone]  # noqa: SLF001 - as above
        self._world.save_soon("sqs")

    def show_again(self, queue: Queue, receipts: Collection[str], seconds: int) -> None:
        """See `WorkerQueues`. Not by moto's operation, which counts the twelve hours of a visibility from the sending on."""
        handles = set(receipts)
        with self._world.lock:
            found = self._queue(queue)
            for message in found._messages if found is not None else ():  # noqa: SLF001 - as above
                if not handles.isdisjoint(message.all_receipt_handles):
                    message.change_visibility(seconds)
        self._world.save_soon("sqs")

    def next_visible(self, queue: Queue) -> datetime | None:
        """See `WorkerQueues`."""
        with self._world.lock:
            found = self._queue(queue)
            if found is None:
                return None
            now = self._world.now().timestamp() * 1000
            later = (max(message.visible_at, message.delayed_until) for message in found._messages)  # noqa: SLF001 - as above
            first = min((at for at in later if at >= now), default=None)
        return None if first is None else datetime.fromtimestamp(first / 1000, UTC) + _TICK

    def put(self, queue: Queue, body: str, attributes: dict[str, str]) -> bool:
        """See `WorkerQueues`."""
        with self._world.lock:
            found = self._queue(queue)
            if found is None or any(_texts(message) == attributes for message in found._messages):  # noqa: SLF001 - as above
                return False
            given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
            self._sqs(queue).send_message(queue.name, body, given)
            self._world.save("sqs")
        return True

    def depth(self, queue: Queue) -> int | None:
        """See `WorkerQueues`."""
        with self._world.lock:
            found = self._queue(queue)
            return len(found.messages) if found is not None else None

    def _queue(self, queue: Queue) -> Any:
        if (queue.place.account, queue.place.region) not in self._world.places("sqs"):
            return None
        return self._sqs(queue).queues.get(queue.name)

    def _sqs(self, queue: Queue) -> Any:
        return self._world.backend("sqs", queue.place.account, queue.place.region)


def _expire(queue: Any, now: datetime) -> None:
    """Drop what the queue has kept long enough: moto leaves it where it is, and looks no further than to it."""
    oldest = (now.timestamp() - queue.message_retention_period) * 1000
    kept = [message for message in queue._messages if message.sent_timestamp > oldest]  # noqa: SLF001 - as above
    if len(kept) < len(queue._messages):  # noqa: SLF001 - as above
        queue._messages = kept  # noqa: SLF001 - as above
        queue.pending_messages.intersection_update(kept)


def _texts(message: Any) -> dict[str, str]:
    return {name: str(value.get("StringValue", "")) for name, value in message.message_attributes.items()}


def _message(queue: Queue, item: Any) -> Message:
    attributes: Mapping[str, tuple[str, str]] = {
        name: (str(value["DataType"]), str(value.get("StringValue") or ""))
        for name, value in item.message_attributes.items()
    }
    return Message(
        id=str(item.id),
        body=str(item.body),
        queue_url=queue.name,
        received=int(item.approximate_receive_count),
        first_received_at=datetime.fromtimestamp(item.approximate_first_receive_timestamp / 1000, UTC),
        sender_id=str(item.sender_id),
        attributes=attributes,
    )
