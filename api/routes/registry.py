"""The registry that docker talks to: the OCI distribution protocol under `/v2/`, on the port of everything else."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.routes.registry_auth import Caller, NotAuthorizedError, authorize, challenge
from api.routes.registry_blobs import get_blob
from api.routes.registry_faults import VERSION_HEADER, RegistryFault, fault_of, unsupported
from api.routes.registry_manifests import delete_manifest, get_manifest, list_referrers, list_tags, put_manifest
from api.routes.registry_names import Target, parse_path
from api.routes.registry_uploads import delete_upload, get_upload, patch_upload, post_upload, put_upload
from emulator.ecr.repositories import is_name
from emulator.emulator import Emulator
from emulator.errors import AwsError

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def routes(emulator_of: Callable[[Request], Emulator]) -> list[BaseRoute]:
    """The routes of the registry; `emulator_of` finds the server that a request is for."""

    async def answer(request: Request) -> Response:
        emulator = emulator_of(request)
        try:
            return await _answer(request, authorize(request, emulator))
        except NotAuthorizedError:
            return challenge(emulator)
        except RegistryFault as fault:
            return fault.response()
        except AwsError as error:
            return fault_of(error).response()

    return [Route("/v2", answer, methods=_METHODS), Route("/v2/{path:path}", answer, methods=_METHODS)]


async def _answer(request: Request, caller: Caller) -> Response:
    path = request.path_params.get("path", "")
    if not path:
        return _base(request)
    target = parse_path(path)
    if target is None:
        raise RegistryFault(404, "UNSUPPORTED", "The operation is unsupported.")  # `_catalog` too: DescribeRepositories
    if not is_name(target.name):
        raise RegistryFault(400, "NAME_INVALID", "invalid repository name")
    match target.kind:
        case "uploads" | "upload":
            return await _upload(request, caller, target)
        case "manifests":
            return await _manifest(request, caller, target)
        case "blobs" | "tags" | "referrers":
            return _reading(request, caller, target)


def _base(request: Request) -> Response:
    if request.method not in {"GET", "HEAD"}:
        raise unsupported()
    return JSONResponse({}, headers=VERSION_HEADER)


async def _upload(request: Request, caller: Caller, target: Target) -> Response:
    name, upload_id = target.name, target.reference
    match target.kind, request.method:
        case "uploads", "POST":
            return await post_upload(request, caller, name)
        case "upload", "PATCH":
            return await patch_upload(request, caller, name, upload_id)
        case "upload", "PUT":
            return await put_upload(request, caller, name, upload_id)
        case "upload", "GET":
            return get_upload(caller, name, upload_id)
        case "upload", "DELETE":
            return delete_upload(caller, name, upload_id)
        case _:
            raise unsupported()


async def _manifest(request: Request, caller: Caller, target: Target) -> Response:
    match request.method:
        case "GET" | "HEAD":
            return get_manifest(request, caller, target.name, target.reference)
        case "PUT":
            return await put_manifest(request, caller, target.name, target.reference)
        case "DELETE":
            return delete_manifest(caller, target.name, target.reference)
        case _:
            raise unsupported()


def _reading(request: Request, caller: Caller, target: Target) -> Response:
    """What can only be read: ECR does not let layers be deleted one by one (unconfirmed)."""
    if request.method not in {"GET", "HEAD"}:
        raise unsupported()
    match target.kind:
        case "blobs":
            return get_blob(request, caller, target.name, target.reference)
        case "tags":
            return list_tags(request, caller, target.name)
        case _:
            return list_referrers(request, caller, target.name, target.reference)
