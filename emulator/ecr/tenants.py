"""Whose registry is meant: by a host name in AWS's style, or by one at the head of a repository's path.

All registries answer on one port. `ACCOUNT.dkr.ecr.REGION.localhost:PORT/NAME` needs a resolver that knows such hosts;
`localhost:PORT/ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME` means the same and works wherever `localhost` does. A path
without such a head is in the registry that the password is for.
"""

import re
from typing import NamedTuple

_HOST = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\..+")


class Tenant(NamedTuple):
    """Whose registry, and where."""

    account: str
    region: str


class Place(NamedTuple):
    """A repository as the registry's routes name it."""

    tenant: Tenant | None
    """None for the registry of whoever asks."""
    name: str
    """What the repository is called in its registry."""


def tenant_of_host(host: str) -> Tenant | None:
    """The account and region that a host name in AWS's style carries (`ACCOUNT.dkr.ecr.REGION.…[:PORT]`)."""
    found = _HOST.fullmatch(host.rpartition(":")[0] or host)
    return Tenant(found["account"], found["region"]) if found else None


def place_of(path: str) -> Place:
    """The registry and the repository that a path below `/v2/` names."""
    host, _, name = path.partition("/")
    tenant = tenant_of_host(host) if name else None
    return Place(tenant, name if tenant is not None else path)


def path_of(tenant: Tenant, name: str) -> str:
    """How a caller of another registry names the repository `name` of this one."""
    return f"{tenant.account}.dkr.ecr.{tenant.region}.amazonaws.com/{name}"
