"""What containers of tasks reach at 169.254.170.2: their metadata and their instance's, their role's credentials, AWS's protocols.

It listens on an address of its own, so that containers do not reach the administrative API.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from api.routes.instance_metadata import instance_metadata_routes
from emulator.context import Context
from emulator.ecs.task_metadata import (
    container_of,
    credentials_document,
    describe_container_metadata,
    describe_task_metadata,
    role_of,
    task_of_credentials,
)
from emulator.emulator import Emulator
from emulator.state.ecs import TaskRow

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Describe = Callable[[Context, TaskRow, dict[str, Any]], dict[str, Any]]


def metadata_application(emulator: Emulator, aws: ASGIApp) -> Starlette:
    """The application for containers; what is no metadata goes to `aws`."""

    def answering(describe: Describe) -> Callable[[Request], JSONResponse]:
        def answer(request: Request) -> JSONResponse:
            with emulator.transaction(emulator.settings.account_id, emulator.settings.region) as context:
                found = container_of(context, request.path_params["id"])
                return _unknown(request) if found is None else JSONResponse(describe(context, *found))

        return answer

    routes = [
        _route("/v4/{id}", answering(describe_container_metadata)),
        _route("/v4/{id}/task", answering(lambda context, row, _: describe_task_metadata(context, row))),
        _route(
            "/v4/{id}/taskWithTags", answering(lambda context, row, _: describe_task_metadata(context, row, tags=True))
        ),
        Route("/v4/{id}/stats", _stats(emulator, of_task=False), methods=["GET"]),
        Route("/v4/{id}/task/stats", _stats(emulator, of_task=True), methods=["GET"]),
        Route("/v4/{id}/{rest:path}", _missing, methods=_METHODS),
        _route("/v2/credentials/{id}", lambda request: _credentials(emulator, request)),
        *instance_metadata_routes(emulator),
        Route("/{path:path}", aws, methods=_METHODS),
    ]
    return Starlette(routes=routes)


def _route(path: str, answer: Callable[[Request], JSONResponse]) -> Route:
    async def endpoint(request: Request) -> JSONResponse:  # on the event loop, as everything that reads the state
        return answer(request)

    return Route(path, endpoint, methods=["GET"])


def _stats(emulator: Emulator, *, of_task: bool) -> Callable[[Request], Awaitable[JSONResponse]]:
    """The engine's figures of the container, or of each container of its task by the engine's id."""

    async def endpoint(request: Request) -> JSONResponse:
        with emulator.transaction(emulator.settings.account_id, emulator.settings.region) as context:
            found = container_of(context, request.path_params["id"])
            if found is None:
                return _unknown(request)
            row, own = found
            asked = [(item.get("runtimeId", ""), item["name"]) for item in row.containers]
        stats = {
            name: await emulator.runtime.stats(row.arn, name) for _, name in asked if of_task or name == own["name"]
        }
        return JSONResponse({key: stats[name] for key, name in asked} if of_task else stats[own["name"]])

    return endpoint


async def _missing(request: Request) -> JSONResponse:
    return JSONResponse(f"{request.url.path} is not emulated", 501)


def _unknown(request: Request) -> JSONResponse:
    text = f"V4 container metadata handler: unable to get container ID from request: {request.path_params['id']}"
    return JSONResponse(text, 404)


def _credentials(emulator: Emulator, request: Request) -> JSONResponse:
    """Errors have the agent's words."""
    with emulator.transaction(emulator.settings.account_id, emulator.settings.region) as context:
        row = task_of_credentials(context, request.path_params["id"])
        role = None if row is None else role_of(context, row)
        if row is None or role is None:
            message = "CredentialsV2Request: Credentials not found"
            return JSONResponse({"code": "InvalidIdInRequest", "message": message, "HTTPErrorCode": 400}, 400)
        found = emulator.neighbours.assume_role(row.account, row.region, role, row.id)
        return JSONResponse(credentials_document(role, found, context.now))
