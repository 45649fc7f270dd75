"""The WebSocket at which the session-manager-plugin attaches to an ECS Exec session (reference: ecs.md §7.6).

The first message is text and brings the token; all others are binary. A token opens one connection.
"""

import asyncio

import orjson
from starlette.types import Receive, Scope, Send

from api.exec_session import LiveSession
from emulator.ecs.exec_sessions import ExecSession
from emulator.emulator import Emulator

_PATH = "/v1/data-channel/"
_REFUSED = 1008
_DONE = 1000


class ExecChannel:
    """All data channels of one server."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._live: dict[str, LiveSession] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as an ASGI application."""
        await receive()
        if not scope["path"].startswith(_PATH):
            await send({"type": "websocket.close", "code": _REFUSED})
            return
        await send({"type": "websocket.accept"})
        first = await receive()
        session = self._open(scope["path"].removeprefix(_PATH), first.get("text"))
        if session is None:
            if first["type"] == "websocket.receive":
                await send({"type": "websocket.close", "code": _REFUSED, "reason": "unknown session or token"})
            return
        for over in [key for key, live in self._live.items() if live.over.is_set()]:
            del self._live[over]
        if session.id not in self._live:
            self._live[session.id] = LiveSession(self._emulator, session)
        await self._serve(self._live[session.id], receive, send)

    def _open(self, session_id: str, text: str | None) -> ExecSession | None:
        try:
            token = orjson.loads(text or "")["TokenValue"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
        if not isinstance(token, str):
            return None
        return self._emulator.exec_sessions.claim(session_id, token, self._emulator.clock.now())

    async def _serve(self, live: LiveSession, receive: Receive, send: Send) -> None:
        """Carry messages until either side has enough."""
        gone = False

        async def put(data: bytes) -> None:
            nonlocal gone
            if not gone:
                try:
                    await send({"type": "websocket.send", "bytes": data})
                except (
                    OSError,
                    RuntimeError,
                ):  # uvicorn's words for a client that has gone, which `take` hears a moment later
                    gone = True

        async def take() -> None:
            nonlocal gone
            while (message := await receive())["type"] == "websocket.receive":
                data = message.get("bytes")
                if data is not None:
                    await live.received(data)
            gone = True

        await live.attach(put)
        taking, over = asyncio.ensure_future(take()), asyncio.ensure_future(live.over.wait())
        await asyncio.wait({taking, over}, return_when=asyncio.FIRST_COMPLETED)
        live.detach(put)
        over.cancel()
        if taking.done():
            taking.result()
            return
        taking.cancel()
        await send({"type": "websocket.close", "code": _DONE})

    async def close(self) -> None:
        """End every session: the server ends."""
        await asyncio.gather(*(live.end("Ashore was stopped.") for live in list(self._live.values())))
        self._live.clear()
