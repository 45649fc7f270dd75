"""The side routes that FastAPI answers: administration, and what other emulators' users ask for at their addresses."""

from fastapi import FastAPI

from api.routes import admin
from api.routes.health import VERSION, health
from api.server import Server


def side_application(server: Server) -> FastAPI:
    """Their application."""
    app = FastAPI(title="Ashore", version=VERSION, docs_url="/_ashore/docs", openapi_url="/_ashore/openapi")
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

    return app
