"""Where moto's SQS is adapted: it asks for the time at each message of a queue, and counts all whenever one comes or goes."""

from typing import Any


def adapt_sqs() -> None:
    """Have messages counted by one instant, and none for the question whether a message is too old; safe to repeat."""
    from moto.core.utils import unix_time, unix_time_millis  # noqa: PLC0415 - moto is imported at first use only
    from moto.sqs.models import Queue, SQSBackend  # noqa: PLC0415 - as above

    def visible(queue: Any) -> list[Any]:
        now = unix_time_millis()
        return [message for message in _all(queue) if message.visible_at < now >= message.delayed_until]

    def hidden(queue: Any) -> int:
        now = unix_time_millis()
        return sum(message.visible_at >= now for message in _all(queue))

    def delayed(queue: Any) -> int:
        now = unix_time_millis()
        return sum(message.delayed_until > now for message in _all(queue))

    def is_kept(backend: Any, queue_name: str, message: Any) -> bool:
        retention = int(backend.get_queue(queue_name).message_retention_period)
        return bool(unix_time() < retention + message.sent_timestamp / 1000)

    queue_class: Any = Queue
    queue_class.messages = property(visible)
    queue_class.approximate_number_of_messages_not_visible = property(hidden)
    queue_class.approximate_number_of_messages_delayed = property(delayed)
    backend_class: Any = SQSBackend
    backend_class.is_message_valid_based_on_retention_period = is_kept


def _all(queue: Any) -> list[Any]:
    found: list[Any] = queue._messages  # noqa: SLF001 - moto has no public list of them
    return found
