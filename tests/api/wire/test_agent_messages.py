from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.agent_messages import AgentMessage, MalformedMessageError, MessageType, PayloadType, decode, encode

messages = st.builds(
    AgentMessage,
    type=st.sampled_from(MessageType) | st.from_regex(r"[a-z_]{1,32}", fullmatch=True),
    id=st.uuids(),
    created=st.integers(0, 2**64 - 1),
    sequence=st.integers(-(2**63), 2**63 - 1),
    payload_type=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=300),
    flags=st.integers(0, 3),
)


@given(messages)
def test_round_trip(message: AgentMessage) -> None:
    assert decode(encode(message)) == message


@given(messages, st.data())
def test_what_is_cut_is_no_message(message: AgentMessage, data: st.DataObject) -> None:
    whole = encode(message)
    with pytest.raises(MalformedMessageError):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except MalformedMessageError:
        pass
    else:
        raise AssertionError


def test_a_payload_that_was_changed_is_refused() -> None:
    message = AgentMessage("output_stream_data", UUID(int=1), 1, 0, PayloadType.OUTPUT, b"hello")
    with pytest.raises(MalformedMessageError, match="digest"):
        decode(encode(message)[:-1] + b"0")


def test_the_layout_is_the_reference_s() -> None:
    message = AgentMessage("acknowledge", UUID("00112233-4455-6677-8899-aabbccddeeff"), 7, 5, 1, b"x", 3)
    data = encode(message)
    assert data[:4] == (116).to_bytes(4, "big")
    assert data[4:36] == b"acknowledge".ljust(32)
    assert data[36:64].hex() == f"{1:08x}{7:016x}{5:016x}{3:016x}"
    assert data[64:80].hex() == "8899aabbccddeeff0011223344556677"
    assert data[112:] == b"\0\0\0\1\0\0\0\1x"


def test_a_long_type_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        encode(AgentMessage("x" * 33, UUID(int=1), 1, 0, 1, b""))
