"""One side of a data channel: numbers what is sent, keeps it until it is acknowledged, puts what comes in order. Pure.

Each direction counts from 0. What comes twice is acknowledged again and handed on once; what comes early is kept until its
turn; what comes too early is not acknowledged, so that it is sent again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from api.wire.agent_messages import AgentMessage, Flag, MalformedMessageError, MessageType, PayloadType

WINDOW = 128
"""Messages that may be sent ahead of their acknowledgement."""

_AHEAD = 10_000
"""Messages that are kept until their turn, as many as the session-manager-plugin keeps."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is to be done about a message that came."""

    acknowledgement: AgentMessage | None = None
    delivered: tuple[AgentMessage, ...] = ()
    """What has its turn now, in order."""


@dataclass(slots=True)
class DataChannel:
    """A side that sends messages of the type `sends` and takes those of the type `takes`."""

    sends: MessageType
    takes: MessageType
    new_id: Callable[[], UUID]
    now_ms: Callable[[], int]
    _next: int = 0
    _expected: int = 0
    _unacknowledged: dict[int, AgentMessage] = field(default_factory=dict)
    _early: dict[int, AgentMessage] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether no more should be sent before something is acknowledged."""
        return len(self._unacknowledged) >= WINDOW

    @property
    def unacknowledged(self) -> tuple[AgentMessage, ...]:
        """What is to be sent again, in order."""
        return tuple(self._unacknowledged.values())

    def send(self, payload_type: PayloadType, payload: bytes) -> AgentMessage:
        """The next message of the stream; it is kept until `receive` has seen its acknowledgement."""
        flags = Flag.SYN if self._next == 0 else 0
        message = AgentMessage(self.sends, self.new_id(), self.now_ms(), self._next, payload_type, payload, int(flags))
        self._unacknowledged[self._next] = message
        self._next += 1
        return message

    def receive(self, message: AgentMessage) -> Received:
        """Take note of a message of the other side.

        Raises:
            MalformedMessageError: an acknowledgement that says nothing.

        """
        if message.type == MessageType.ACKNOWLEDGE:
            self._unacknowledged.pop(_acknowledged(message), None)
            return Received()
        if message.type != self.takes:
            return Received()
        if message.sequence > self._expected and len(self._early) >= _AHEAD:
            return Received()
        if message.sequence >= self._expected:
            self._early.setdefault(message.sequence, message)
        delivered = []
        while (found := self._early.pop(self._expected, None)) is not None:
            delivered.append(found)
            self._expected += 1
        return Received(self._acknowledge(message), tuple(delivered))

    def _acknowledge(self, message: AgentMessage) -> AgentMessage:
        content = {
            "AcknowledgedMessageType": message.type,
            "AcknowledgedMessageId": str(message.id),
            "AcknowledgedMessageSequenceNumber": message.sequence,
            "IsSequentialMessage": True,
        }
        flags = Flag.SYN | Flag.FIN
        return AgentMessage(
            MessageType.ACKNOWLEDGE,
            self.new_id(),
            self.now_ms(),
            0,
            PayloadType.NONE,
            orjson.dumps(content),
            int(flags),
        )

    def close(self, session_id: str, output: str) -> AgentMessage:
        """The message that ends the channel; `output` is shown to who sits there."""
        message_id, now = self.new_id(), self.now_ms()
        content = {
            "MessageId": str(message_id),
            "CreatedDate": str(now),
            "DestinationId": session_id,
            "SessionId": session_id,
            "MessageType": MessageType.CHANNEL_CLOSED,
            "SchemaVersion": 1,
            "Output": output,
        }
        flags = Flag.SYN | Flag.FIN
        return AgentMessage(
            MessageType.CHANNEL_CLOSED, message_id, now, 0, PayloadType.NONE, orjson.dumps(content), int(flags)
        )


def _acknowledged(message: AgentMessage) -> int:
    try:
        return int(orjson.loads(message.payload)["AcknowledgedMessageSequenceNumber"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise MalformedMessageError("an acknowledgement names no sequence number") from None
