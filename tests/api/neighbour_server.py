"""A real server on a real socket around `NeighboursApp`, for boto3; run as a script, a process that can be killed."""

import asyncio
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from api.neighbours import NeighboursApp
from api.wire.detect import detect
from api.wire.messages import HttpRequest
from emulator.clock import Clock
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.world import MotoWorld

ACCOUNT = "000000000000"
Message = MutableMapping[str, Any]


def make_app(neighbours: MotoNeighbours) -> Callable[..., Awaitable[None]]:
    """An ASGI application that hands every request over."""
    handler = NeighboursApp(neighbours, Clock())

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path, query = scope["raw_path"].decode().partition("?")[0], scope["query_string"].decode()
        request = HttpRequest(scope["method"], path, query, headers, body)
        response = await handler.handle(request, detect(request, ACCOUNT, "us-east-1"))
        listed = [(name.encode(), value.encode()) for name, value in response.headers.items()]
        if not any(name.lower() == b"content-length" for name, _ in listed):
            listed.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": listed})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})

    return app


@contextmanager
def serving(neighbours: MotoNeighbours) -> Iterator[str]:
    """Serve in a thread; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(make_app(neighbours), log_level="warning", lifespan="off", ws="none", date_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


if __name__ == "__main__":
    bound = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    served = MotoNeighbours(MotoWorld(Clock(), ACCOUNT, Path(sys.argv[1])))
    uvicorn.Server(
        uvicorn.Config(make_app(served), log_level="error", lifespan="off", ws="none", date_header=False)
    ).run(sockets=[bound])
