"""The registry that docker talks to: the OCI distribution protocol under `/v2/`, on the port of everything else."""

import structlog
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.routes.registry_auth import Caller, UnauthenticatedError, authorize, challenge
from api.routes.registry_blobs import get_blob
from api.routes.registry_faults import VERSION_HEADER, RegistryFault, disk_fault_of, fault_of, unsupported
from api.routes.registry_lists import list_catalog, list_referrers, list_tags
from api.routes.registry_manifests import delete_manifest, get_manifest, put_manifest
from api.routes.registry_names import Target, parse_path
from api.routes.registry_uploads import delete_upload, get_upload, patch_upload, post_upload, put_upload
from emulator.ecr.public_names import is_public
from emulator.ecr.pull_through import Wanted, fetch
from emulator.ecr.repositories import is_name
from emulator.ecr.tenants import place_of
from emulator.emulator import Emulator
from emulator.errors import AwsError
from emulator.iam.enforcement import NotAuthorizedError

_LOG = structlog.get_logger()


class RegistryEndpoint:
    """The application at `/v2` and below it. A push of many layers is many short requests, so no framework stands between."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await _answer(request, authorize(request, self._emulator))
        except UnauthenticatedError as refusal:
            return challenge(self._emulator, refusal)
        except Exception as error:  # noqa: BLE001 - the outermost edge: what is our bug is told as a 500 with a log line
            return _fault(request, error).response()


def is_registry_path(path: str) -> bool:
    """Whether a request for `path` is the registry's."""
    return path.startswith("/v2/") or path == "/v2"


def _fault(request: Request, error: Exception) -> RegistryFault:
    """What an error means to the client; called while it is being handled."""
    told: RegistryFault | None = None
    match error:
        case RegistryFault():
            told = error
        case AwsError():
            told = fault_of(error)
        case NotAuthorizedError():
            told = RegistryFault(403, "DENIED", str(error))
        case ClientDisconnect():
            told = RegistryFault(400, "UNKNOWN", "the client went away")
        case OSError() | OperationalError():
            told = disk_fault_of(error)
        case _:
            pass
    if told is None:
        _LOG.exception("registry failed", method=request.method, path=request.url.path)
        told = RegistryFault(500, "UNKNOWN", "unknown error")
    return told


async def _answer(request: Request, caller: Caller) -> Response:
    path = request.scope["path"].removeprefix("/v2").removeprefix("/")
    if caller.blob is not None and (request.method not in {"GET", "HEAD"} or path != caller.blob):
        raise UnauthenticatedError
    if not path:
        return _base(request)
    if path == "_catalog":
        if request.method not in {"GET", "HEAD"}:
            raise unsupported()
        return list_catalog(request, caller)
    target = parse_path(path)
    if target is None:
        raise RegistryFault(404, "UNSUPPORTED", "The operation is unsupported.")
    if not is_name(target.name):
        raise RegistryFault(400, "NAME_INVALID", "invalid repository name")
    caller = caller.at(target.name)
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
            if not is_public(target.name):
                place = (caller.account, caller.region, caller.principal)
                wanted = Wanted(*place, place_of(target.name).name, target.reference, caller.permissions)
                await fetch(caller.emulator, wanted)
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
