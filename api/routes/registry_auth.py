"""Who calls the registry: HTTP Basic with a password of GetAuthorizationToken, as ECR's private registries want it."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.routes.registry_faults import VERSION_HEADER, RegistryFault
from emulator.context import Context
from emulator.ecr.authorization import tenant_of_host
from emulator.ecr.tokens import USER, ExpiredTokenError, InvalidTokenError, verify
from emulator.emulator import Emulator


class NotAuthorizedError(Exception):
    """No credentials, or none that this server gave out."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorized request's server, registry and principal."""

    emulator: Emulator
    account: str
    region: str
    principal: str

    @contextmanager
    def transaction(self) -> Iterator[Context]:
        """A transaction on the caller's behalf. It must not span an `await`."""
        with self.emulator.transaction(self.account, self.region, self.principal) as context:
            yield context


def authorize(request: Request, emulator: Emulator) -> Caller:
    """The caller. A host name in AWS's style says whose registry is meant; otherwise it is the password's own.

    Raises:
        NotAuthorizedError: answered by `challenge`.
        RegistryFault: the password has expired.

    """
    try:
        claims = verify(emulator, _password(request))
    except InvalidTokenError as error:
        raise NotAuthorizedError from error
    except ExpiredTokenError as error:
        message = "Your authorization token has expired. Reauthenticate and try again."
        raise RegistryFault(403, "DENIED", message) from error
    tenant = tenant_of_host(request.headers.get("host", ""))
    if tenant is not None:
        return Caller(emulator, tenant.account, tenant.region, claims.principal)
    return Caller(emulator, claims.account, claims.region, claims.principal)


def challenge(emulator: Emulator) -> Response:
    """ECR's answer to who is not authorized."""
    realm = f"http://localhost:{emulator.port}/"
    headers = {**VERSION_HEADER, "WWW-Authenticate": f'Basic realm="{realm}",service="ecr.amazonaws.com"'}
    return PlainTextResponse("Not Authorized\n", 401, headers)


def _password(request: Request) -> str:
    """The password of the `Authorization` header, or the `token` of an address that GetDownloadUrlForLayer gave."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise NotAuthorizedError from error
        if user == USER:
            return password
    reading_blob = request.method in {"GET", "HEAD"} and "/blobs/sha256:" in request.url.path
    if not scheme and reading_blob and (token := request.query_params.get("token")):
        return token
    raise NotAuthorizedError
