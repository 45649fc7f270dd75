"""The instance metadata service for containers of tasks on EC2: who asks is known by the address it comes from.

Errors are those of EC2's service: 400 for a bad token request, 401 without a good token where one is required, 404 for a path
that is not there.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emulator.context import Context
from emulator.ecs.instance_metadata import LONGEST_TOKEN, Subject, is_good, look_up, new_token, subject_of, tree_of
from emulator.ecs.task_metadata import container_of
from emulator.emulator import Emulator

_TOKEN = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
_LIFE = "X-aws-ec2-metadata-token-ttl-seconds"

Answer = Callable[[Context, Subject, Request], Response]


def instance_metadata_routes(emulator: Emulator) -> list[Route]:
    """`/latest/…`, and the same below `/instance/ID/` for containers that share this machine's address."""

    def endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            task_arn = await _task(emulator, request)
            with emulator.transaction(emulator.settings.account_id, emulator.settings.region) as context:
                subject = subject_of(context, task_arn) if task_arn is not None else None
                return _fault(HTTPStatus.NOT_FOUND) if subject is None else answer(context, subject, request)

        return respond

    return [
        route
        for prefix in ("", "/instance/{id}")
        for route in (
            Route(f"{prefix}/latest/api/token", endpoint(_give_token), methods=["PUT"]),
            Route(f"{prefix}/latest/{{path:path}}", endpoint(_show), methods=["GET"]),
        )
    ]


async def _task(emulator: Emulator, request: Request) -> str | None:
    if "id" in request.path_params:
        with emulator.transaction(emulator.settings.account_id, emulator.settings.region) as context:
            found = container_of(context, request.path_params["id"])
            return None if found is None else found[0].arn
    return None if request.client is None else await emulator.runtime.task_at(request.client.host)


def _give_token(context: Context, subject: Subject, request: Request) -> Response:
    asked = request.headers.get(_LIFE, "")
    if "X-Forwarded-For" in request.headers:  # whoever sits behind a proxy gets none
        return _fault(HTTPStatus.FORBIDDEN)
    if not asked.isdecimal() or not 1 <= int(asked) <= LONGEST_TOKEN:
        return _fault(HTTPStatus.BAD_REQUEST)
    return PlainTextResponse(new_token(context, subject, int(asked)), headers={_LIFE: asked})


def _show(context: Context, subject: Subject, request: Request) -> Response:
    token = request.headers.get(_TOKEN)
    if not is_good(context, subject, token) if token is not None else subject.tokens_required:
        return _fault(HTTPStatus.UNAUTHORIZED)
    path = request.path_params["path"]
    role = subject.role_arn if path.startswith("meta-data/iam/security-credentials") else None
    credentials = None
    if role is not None:
        session = subject.host.ec2_instance_id
        credentials = context.emulator.neighbours.assume_role(subject.account, subject.region, role, session)
    found = look_up(tree_of(subject, context.now, credentials), path)
    return _fault(HTTPStatus.NOT_FOUND) if found is None else PlainTextResponse(found)


def _fault(status: HTTPStatus) -> Response:
    return PlainTextResponse(f"{status.value} - {status.phrase}", status)
