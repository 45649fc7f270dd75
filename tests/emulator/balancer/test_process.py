"""Asking Caddy: what its administrative socket may do while one configuration takes the place of another."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from emulator.balancer.process import Caddy, CaddyError


def test_a_lost_connection_is_asked_again_as_long_as_somebody_listens() -> None:
    asked: list[str] = []

    async def play(folder: Path) -> None:
        caddy = Caddy(folder, "router", lambda _lines: None)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(asked) == 1:  # closed with what was sent unread: the sender's connection is reset
                asked.append("unread")
            else:
                head = await reader.readuntil(b"\r\n\r\n")
                asked.append(head.decode().partition(" HTTP/")[0])
                if len(asked) > 2:
                    writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
            writer.close()

        listening = await asyncio.start_unix_server(answer, str(caddy.admin))
        async with listening:
            await caddy.load({"apps": {"http": {}}})
        with pytest.raises(CaddyError):
            await caddy.load({})

    with tempfile.TemporaryDirectory(prefix="ash") as folder:
        asyncio.run(play(Path(folder)))
    assert asked == ["POST /load", "unread", "POST /load"]
