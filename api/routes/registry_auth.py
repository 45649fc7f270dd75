"""Who calls the registry: HTTP Basic with a password of GetAuthorizationToken, as ECR's private registries want it."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from api.routes.registry_faults import VERSION_HEADER
from emulator.context import Context
from emulator.ecr.access import require_access
from emulator.ecr.creation_templates import ensure_repository
from emulator.ecr.errors import RepositoryNotFoundException
from emulator.ecr.public_names import find_public_repository, is_public
from emulator.ecr.repositories import find_repository
from emulator.ecr.tenants import place_of, tenant_of_host
from emulator.ecr.tokens import USER, ExpiredTokenError, InvalidTokenError, verify
from emulator.emulator import Emulator
from emulator.iam.callers import Caller as Permissions
from emulator.iam.callers import permissions_of
from emulator.iam.checks import Check
from emulator.iam.enforcement import require
from emulator.state.ecr import RepositoryRow

_PUSHING = frozenset({"InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage", "BatchDeleteImage"})


class UnauthenticatedError(Exception):
    """No credentials, none that this server gave out, or some that have expired; answered by `challenge`."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("Not Authorized")
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorized request's server, registry and principal."""

    emulator: Emulator
    account: str
    """The account whose registry is meant, which need not be the principal's own."""
    region: str
    principal: str
    blob: str | None = None
    """`NAME@DIGEST` of the only blob that these credentials are for (an address of GetDownloadUrlForLayer)."""
    permissions: Permissions | None = None
    """What the principal may do, where that is asked."""

    @contextmanager
    def transaction(self) -> Iterator[Context]:
        """A transaction on the caller's behalf. It must not span an `await`."""
        with self.emulator.transaction(self.account, self.region, self.principal, self.permissions) as context:
            yield context

    def at(self, path: str) -> "Caller":
        """The same caller in the registry that a repository's path names."""
        tenant, _ = place_of(path)
        return self if tenant is None else replace(self, account=tenant.account, region=tenant.region)


def repository_for(context: Context, path: str, action: str) -> RepositoryRow:
    """The repository at `path`, where the caller may do `action` (ECR's name of what the route does) in it.

    Raises:
        RepositoryNotFoundException: there is none.
        AccessDeniedException: policies do not let the caller.

    """
    if is_public(path):
        repository = find_public_repository(context, path, pushing=action in _PUSHING)
        if action in _PUSHING:
            require_access(context, repository, f"ecr-public:{action}")
        return repository
    repository = _repository(context, place_of(path).name, action)
    require_access(context, repository, f"ecr:{action}")
    return repository


def _repository(context: Context, name: str, action: str) -> RepositoryRow:
    """The repository; whose policies would not let it do `action` there does not learn that there is none."""
    try:
        if (
            action == "InitiateLayerUpload"
        ):  # the first call of a push: a creation template may let it make its repository
            return ensure_repository(context, name, "CREATE_ON_PUSH")
        return find_repository(context, name)
    except RepositoryNotFoundException:
        if context.caller is not None:
            require(context, Check(f"ecr:{action}", context.arn("ecr", f"repository/{name}")))
        raise


def authorize(request: Request, emulator: Emulator) -> Caller:
    """The caller. A host name in AWS's style says whose registry is meant; otherwise it is the password's own.

    A repository's path may name another (`Caller.at`).

    Raises:
        UnauthenticatedError: no credentials that hold (now).

    """
    try:
        claims = verify(emulator, _password(request))
    except InvalidTokenError as error:
        raise UnauthenticatedError from error
    except ExpiredTokenError as error:
        raise UnauthenticatedError(expired=True) from error
    if claims.blob is not None:
        return Caller(emulator, claims.account, claims.region, claims.principal, claims.blob)
    tenant = tenant_of_host(request.headers.get("host", ""))
    place = (tenant.account, tenant.region) if tenant is not None else (claims.account, claims.region)
    return Caller(emulator, *place, claims.principal, permissions=permissions_of(emulator, claims.principal))


def challenge(emulator: Emulator, refusal: UnauthenticatedError) -> Response:
    """ECR's answer to who is not authorized. Where a password has expired, the body has docker tell so in ECR's words."""
    realm = f"http://localhost:{emulator.port}/"
    headers = {**VERSION_HEADER, "WWW-Authenticate": f'Basic realm="{realm}",service="ecr.amazonaws.com"'}
    if refusal.expired:
        message = "Your authorization token has expired. Reauthenticate and try again."
        return JSONResponse({"errors": [{"code": "DENIED", "message": message}]}, 401, headers)
    return PlainTextResponse("Not Authorized\n", 401, headers)


def _password(request: Request) -> str:
    """The password of the `Authorization` header, or the `token` of an address that GetDownloadUrlForLayer gave."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UnauthenticatedError from error
        if user == USER:
            return password
    reading_blob = request.method in {"GET", "HEAD"} and "/blobs/sha" in request.url.path
    if not scheme and reading_blob and (token := request.query_params.get("token")):
        return token
    raise UnauthenticatedError
