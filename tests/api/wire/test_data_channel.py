from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.agent_messages import AgentMessage, MalformedMessageError, MessageType, PayloadType
from api.wire.data_channel import WINDOW, DataChannel


def agent() -> DataChannel:
    return DataChannel(MessageType.OUTPUT, MessageType.INPUT, uuid4, lambda: 1)


def client() -> DataChannel:
    return DataChannel(MessageType.INPUT, MessageType.OUTPUT, uuid4, lambda: 1)


@given(st.integers(0, 12), st.data())
def test_whatever_the_order_all_is_delivered_once_in_order(count: int, data: st.DataObject) -> None:
    sender, receiver = client(), agent()
    sent = [sender.send(PayloadType.OUTPUT, bytes([number])) for number in range(count)]
    again = data.draw(st.lists(st.sampled_from(sent))) if sent else []
    delivered: list[bytes] = []
    for message in data.draw(st.permutations([*sent, *again])):
        found = receiver.receive(message)
        delivered.extend(item.payload for item in found.delivered)
        assert found.acknowledgement is not None
        sender.receive(found.acknowledgement)
    assert delivered == [bytes([number]) for number in range(count)]
    assert sender.unacknowledged == ()


def test_what_is_not_acknowledged_is_kept_and_fills_the_window() -> None:
    sender, receiver = agent(), client()
    sent = [sender.send(PayloadType.OUTPUT, b"x") for _ in range(WINDOW)]
    assert sender.full
    assert (sent[0].flags, sent[1].flags) == (1, 0)
    acknowledgement = receiver.receive(sent[0]).acknowledgement
    assert acknowledgement is not None
    assert orjson.loads(acknowledgement.payload) == {
        "AcknowledgedMessageType": "output_stream_data",
        "AcknowledgedMessageId": str(sent[0].id),
        "AcknowledgedMessageSequenceNumber": 0,
        "IsSequentialMessage": True,
    }
    sender.receive(acknowledgement)
    assert len(sender.unacknowledged) == WINDOW - 1
    assert sender.unacknowledged == tuple(sent[1:])


def test_the_own_direction_and_unknown_types_are_left_alone() -> None:
    channel = agent()
    for kind in ("output_stream_data", "start_publication", "something_new"):
        found = channel.receive(AgentMessage(kind, UUID(int=1), 1, 0, 1, b""))
        assert (found.acknowledgement, found.delivered) == (None, ())


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"AcknowledgedMessageSequenceNumber": "x"}'])
def test_an_acknowledgement_of_nothing(payload: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        agent().receive(AgentMessage("acknowledge", UUID(int=1), 1, 0, 0, payload))
