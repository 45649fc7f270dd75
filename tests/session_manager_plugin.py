"""A client that speaks the session-manager-plugin's protocol, because tests cannot have the plugin itself.

It was written from the protocol's description, not run against AWS. As the plugin does, it opens the channel with its token,
answers the handshake, acknowledges what it gets, sends its terminal's size and what is typed, sends again what is not
acknowledged, and ends at `channel_closed`. Called as a command it takes the plugin's arguments.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.wire.agent_messages import AgentMessage, MessageType, PayloadType, decode, encode
from api.wire.data_channel import DataChannel

_PATIENCE = 20


@dataclass(slots=True)
class Plugin:
    """One sitting at one session."""

    session: Mapping[str, str]
    columns: int = 80
    rows: int = 24
    deaf_to: int = 0
    """So many messages of the server are lost before they are acknowledged."""
    output: bytes = b""
    closed: dict[str, object] | None = None
    seen: int = 0
    """Binary messages that came."""
    channel: DataChannel = field(
        default_factory=lambda: DataChannel(MessageType.INPUT, MessageType.OUTPUT, uuid4, lambda: 1)
    )
    _socket: ClientConnection | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    def open(self) -> None:
        """Connect, and say the token."""
        self._socket = self._open.enter_context(connect(self.session["streamUrl"], proxy=None))
        told = {"MessageSchemaVersion": "1.0", "RequestId": str(uuid4()), "TokenValue": self.session["tokenValue"]}
        self._socket.send(json.dumps({**told, "ClientId": str(uuid4()), "ClientVersion": "1.2.707.0"}))

    def close(self) -> None:
        """Break the connection."""
        self._open.close()

    def _put(self, message: AgentMessage) -> None:
        assert self._socket is not None
        self._socket.send(encode(message))

    def send(self, payload_type: PayloadType, payload: bytes) -> None:
        """The next message of the stream."""
        self._put(self.channel.send(payload_type, payload))

    def type(self, text: str) -> None:
        """Keystrokes."""
        for start in range(0, len(text), 1024):
            self.send(PayloadType.OUTPUT, text[start : start + 1024].encode())

    def type_backwards(self, *texts: str) -> None:
        """Keystrokes whose messages overtake each other, each of them twice."""
        messages = [self.channel.send(PayloadType.OUTPUT, text.encode()) for text in texts]
        for message in [*reversed(messages), *messages]:
            self._put(message)

    def hear(self) -> bool:
        """One message; whether there was one."""
        assert self._socket is not None
        try:
            data = self._socket.recv(_PATIENCE)
        except ConnectionClosed:
            return False
        message = decode(data if isinstance(data, bytes) else data.encode())
        self.seen += 1
        if message.type == MessageType.OUTPUT and self.deaf_to:
            self.deaf_to -= 1
            return True
        if message.type == MessageType.CHANNEL_CLOSED:
            self.closed = json.loads(message.payload)
            return False
        found = self.channel.receive(message)
        if found.acknowledgement is not None:
            self._put(found.acknowledgement)
        for delivered in found.delivered:
            self._take(delivered)
        return True

    def _take(self, message: AgentMessage) -> None:
        match message.payload_type:
            case PayloadType.HANDSHAKE_REQUEST:
                actions = json.loads(message.payload)["RequestedClientActions"]
                assert actions[0]["ActionParameters"]["SessionType"] == "Standard_Stream"
                done = [{"ActionType": item["ActionType"], "ActionStatus": 1, "ActionResult": None} for item in actions]
                answer = {"ClientVersion": "1.2.707.0", "ProcessedClientActions": done, "Errors": []}
                self.send(PayloadType.HANDSHAKE_RESPONSE, json.dumps(answer).encode())
                self.send(PayloadType.SIZE, json.dumps({"cols": self.columns, "rows": self.rows}).encode())
            case PayloadType.OUTPUT:
                self.output += message.payload

    def hear_until(self, text: str) -> None:
        """Listen until the process has written `text`."""
        while text.encode() not in self.output:
            assert self.hear(), self.output

    def hear_out(self) -> None:
        """Listen to the end."""
        while self.hear():
            pass
        self.close()


def main() -> None:
    """What the plugin does with what `aws ecs execute-command` gives it."""
    if len(sys.argv) == 1:  # the CLI looks whether it is there
        return
    session, _, operation, *_ = sys.argv[1:]
    assert operation == "StartSession"
    plugin = Plugin(json.loads(os.environ.get(session, session)))
    plugin.open()
    plugin.hear_out()
    sys.stdout.buffer.write(plugin.output)


if __name__ == "__main__":
    main()
