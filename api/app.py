"""The web application: the routes of one server, and its beginning and end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from api.routes import admin, registry
from api.routes.aws import AwsEndpoint
from api.routes.health import VERSION, health
from api.server import Server

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def application(server: Server) -> FastAPI:
    """All routes: administration, the registry, and a catch-all for AWS's protocols."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await server.start()
        yield
        await server.stop()

    app = FastAPI(
        title="Ashore", version=VERSION, lifespan=lifespan, docs_url="/_ashore/docs", openapi_url="/_ashore/openapi"
    )
    app.include_router(admin.router(server))

    @app.post("/moto-api/reset")
    async def moto_reset() -> dict[str, str]:
        """As moto's server answers it, so that suites written for it can point here."""
        await server.reset()
        return {"status": "ok"}

    @app.get("/_localstack/health")
    async def localstack_health() -> dict[str, object]:
        """Where other tools look for readiness."""
        return health(server.emulator, server.runtime_reason)

    app.router.routes.extend(registry.routes(lambda _request: server.emulator))
    endpoint = AwsEndpoint(server.emulator, server.neighbours)
    app.router.routes.append(Route("/{path:path}", endpoint.handle, methods=_METHODS))
    return app
