"""Listens where containers of tasks find their metadata, if this machine has that address."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import structlog
import uvicorn
from starlette.types import ASGIApp

_LOG = structlog.get_logger()
PORT = 80
"""The one that AWS's SDKs expect; another is told to containers where it is taken."""
_AGENT_PORT = 51679
"""Where the ECS agent itself listens for this."""


class _Quiet(uvicorn.Server):
    """A second server in the process: signals are the first one's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class TaskEndpoint:
    """One listener on an address that containers reach."""

    def __init__(self, application: ASGIApp) -> None:
        config = uvicorn.Config(application, log_level="error", access_log=False, lifespan="off", date_header=False)
        self._server = _Quiet(config)
        self._serving: asyncio.Task[None] | None = None

    def open_any(self, address: str, last_port: int | None, own_port: int) -> int | None:
        """The port, or None where nothing can be listened to (the engine is on another machine).

        Containers that still run were told the `last_port`, which is therefore tried first.
        """
        return self.open(address, *dict.fromkeys(filter(None, (last_port, PORT, own_port, _AGENT_PORT))))

    def open(self, address: str, *ports: int) -> int | None:
        """The first of `ports` that can be had, listened to from now on; or None."""
        for port in ports:
            listener = socket.socket(socket.AF_INET)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((address, port))
            except OSError as error:
                listener.close()
                _LOG.info("metadata cannot be offered here", address=address, port=port, error=str(error))
                continue
            listener.listen(1024)
            self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listener]))
            return port
        return None

    @staticmethod
    def url(address: str, port: int) -> str:
        """What containers are told."""
        return f"http://{address}" + ("" if port == PORT else f":{port}")

    async def close(self) -> None:
        """End the listener."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
