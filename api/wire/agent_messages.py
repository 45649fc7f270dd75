"""Messages of a Session Manager data channel, as bytes (reference: ecs.md §7.6). Pure: who sends what when is `data_channel`'s.

All numbers are big-endian. A message's id is a UUID whose halves are swapped: the low 8 bytes come first.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from hashlib import sha256
from uuid import UUID

_HEAD = struct.Struct(">I32sIQqQ16s32sI")
_LENGTH = struct.Struct(">I")
_HEAD_SIZE = 116
_START = _HEAD_SIZE + _LENGTH.size
"""Where the payload begins."""
_SCHEMA = 1


class MessageType(StrEnum):
    """What a message is."""

    INPUT = "input_stream_data"
    OUTPUT = "output_stream_data"
    ACKNOWLEDGE = "acknowledge"
    CHANNEL_CLOSED = "channel_closed"
    START = "start_publication"
    PAUSE = "pause_publication"


class PayloadType(IntEnum):
    """What the payload of an input or output message is."""

    NONE = 0
    OUTPUT = 1
    ERROR = 2
    SIZE = 3
    PARAMETER = 4
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    ENCRYPTION_CHALLENGE_REQUEST = 8
    ENCRYPTION_CHALLENGE_RESPONSE = 9
    FLAG = 10
    STDERR = 11
    EXIT_CODE = 12


class Flag(IntEnum):
    """Bits of a message's flags."""

    SYN = 1
    FIN = 2


TERMINATE_SESSION = 2
"""The payload of a FLAG message, a number of 4 bytes, by which a client ends the session."""


class MalformedMessageError(ValueError):
    """These bytes are no message."""


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """One message."""

    type: str
    """A `MessageType`, or a name that is not known here."""
    id: UUID
    created: int
    """Milliseconds since 1970."""
    sequence: int
    payload_type: int
    payload: bytes
    flags: int = 0


def encode(message: AgentMessage) -> bytes:
    """The bytes of a message.

    Raises:
        ValueError: its type has more than 32 bytes.

    """
    name = message.type.encode("ascii")
    if len(name) > 32:
        raise ValueError(f"the message type {message.type!r} is too long")
    low_first = message.id.bytes[8:] + message.id.bytes[:8]
    head = _HEAD.pack(
        _HEAD_SIZE,
        name.ljust(32),
        _SCHEMA,
        message.created,
        message.sequence,
        message.flags,
        low_first,
        sha256(message.payload).digest(),
        message.payload_type,
    )
    return head + _LENGTH.pack(len(message.payload)) + message.payload


def decode(data: bytes) -> AgentMessage:
    """The message that `data` is.

    Raises:
        MalformedMessageError: it is cut, longer than it says, or its digest is another's.

    """
    if len(data) < _START:
        raise MalformedMessageError(f"a message has {_START} bytes at least, not {len(data)}")
    size, name, schema, created, sequence, flags, low_first, digest, payload_type = _HEAD.unpack_from(data)
    (length,) = _LENGTH.unpack_from(data, _HEAD_SIZE)
    payload = data[_START:]
    if size != _HEAD_SIZE or schema != _SCHEMA:
        raise MalformedMessageError(f"unknown header (length {size}, schema version {schema})")
    if len(payload) != length:
        raise MalformedMessageError(f"the payload has {len(payload)} bytes, the header says {length}")
    if sha256(payload).digest() != digest:
        raise MalformedMessageError("the payload's digest is another one")
    try:
        kind = name.rstrip(b" \0").decode("ascii")
    except UnicodeDecodeError:
        raise MalformedMessageError("the message type is not ASCII") from None
    return AgentMessage(
        kind, UUID(bytes=low_first[8:] + low_first[:8]), created, sequence, payload_type, payload, flags
    )
