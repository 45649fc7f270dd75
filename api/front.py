"""What the web server calls: looks at a request's path and hands it on; follows the server's beginning and end.

AWS's protocols, the registry and the question whether the server is there go straight to their endpoints: they use nothing
of a web framework, whose turns took longer than the answer. The administrative API is FastAPI's. Importing that takes a
third of a start, so it is done after the first answers, beside them; who asks for it earlier waits for it.
"""

import asyncio
from collections.abc import Callable

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from api.routes.aws import AwsEndpoint
from api.routes.balancer import BalancerHost
from api.routes.exec_channel import ExecChannel
from api.routes.health import health
from api.routes.registry import RegistryEndpoint, is_registry_path
from api.server import Server

_SIDE = ("/_ashore/", "/_localstack/")
_HEALTH = "/_ashore/health"
_RESET = "/moto-api/reset"


class Front:
    """The application.

    Args:
        server: begins with the web server and ends with it.
        load_side: makes the application of the administrative API.

    """

    def __init__(self, server: Server, load_side: Callable[[], ASGIApp]) -> None:
        self._server, self._load_side = server, load_side
        self._aws = AwsEndpoint(server.emulator, server.neighbours)
        self._registry = RegistryEndpoint(server.emulator)
        self._hosts = BalancerHost(self._dispatch, server.balancers.proxy)
        self._exec = ExecChannel(server.emulator)
        self._side: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._hosts(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._exec(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(scope["path"])(scope, receive, send)

    def _endpoint(self, path: str) -> ASGIApp:
        if path == "/":
            return self._aws
        if is_registry_path(path):
            return self._registry
        if path == _HEALTH:
            return self._tell_health
        return self._ask_side if path.startswith(_SIDE) or path == _RESET else self._aws

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._server.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            raise
        self._side = asyncio.create_task(asyncio.to_thread(self._load_side))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._exec.close()
        await self._server.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tell_health(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        body = orjson.dumps(health(self._server.emulator, self._server.runtime_reason))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _ask_side(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._side is None:
            raise RuntimeError("a request came before the beginning")
        side = await asyncio.shield(self._side)
        await side(scope, receive, send)
