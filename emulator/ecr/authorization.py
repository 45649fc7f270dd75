"""Who gets a registry password: callers of GetAuthorizationToken, and our own task agent for our own images."""

import base64
import re
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from emulator.context import Context
from emulator.ecr.tenants import Tenant, tenant_of_host
from emulator.ecr.tokens import LIFETIME, USER, Claims, mint, sign
from emulator.iam.callers import permissions_of
from emulator.iam.checks import Check
from emulator.iam.enforcement import require
from emulator.runtime.specs import RegistryCredentials

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import GetAuthorizationTokenRequestTypeDef

    from emulator.emulator import Emulator

_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[::1\]")


class AuthorizationData(TypedDict):
    """A token for one registry."""

    authorizationToken: str
    expiresAt: datetime
    proxyEndpoint: str


class GetAuthorizationTokenResult(TypedDict):
    """One token for each registry asked for."""

    authorizationData: list[AuthorizationData]


def get_authorization_token(
    context: Context, request: "GetAuthorizationTokenRequestTypeDef"
) -> GetAuthorizationTokenResult:
    """GetAuthorizationToken: for the caller's registry, or (deprecated) for those of `registryIds`."""
    expires_at = (context.now + LIFETIME).replace(microsecond=0)
    endpoint = f"http://localhost:{context.emulator.port}"
    data: list[AuthorizationData] = []
    for account in dict.fromkeys(request.get("registryIds") or [context.account]):
        password = sign(context.session, Claims(account, context.region, context.principal, expires_at))
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        data.append({"authorizationToken": token, "expiresAt": expires_at, "proxyEndpoint": endpoint})
    return {"authorizationData": data}


def credentials_for(
    emulator: "Emulator", account: str, region: str, image: str, principal: str | None = None
) -> RegistryCredentials | None:
    """What an engine on this machine needs to pull `image` for a task of `account`; None where it is not ours.

    Opens a transaction: call it outside of one. A name in AWS's style is ours only with our port
    (`ACCOUNT.dkr.ecr.REGION.localhost:PORT`): without it the engine would ask AWS itself. `principal` pulls, by default the
    account's root; what it may pull from another account's registry is that repository's policy to say.

    Raises:
        NotAuthorizedError: the principal may not have a password.

    """
    host, slash, _ = image.partition("/")
    name, _, port = host.rpartition(":")
    if not slash or port != str(emulator.port):
        return None
    tenant = tenant_of_host(name)
    if tenant is None and not _LOOPBACK.fullmatch(name):
        return None
    owner = tenant or Tenant(account, region)
    caller = permissions_of(emulator, principal) if principal is not None else None
    if caller is None:  # nobody asks, or it is the account itself
        named = principal or f"arn:aws:iam::{account}:root"
        return RegistryCredentials(USER, mint(emulator, owner.account, owner.region, named))
    with emulator.transaction(account, region, caller=caller) as context:
        require(context, Check("ecr:GetAuthorizationToken"))
    return RegistryCredentials(USER, mint(emulator, owner.account, owner.region, caller.principal))
