"""`repositoryCredentials`: a secret of Secrets Manager that holds user and password of a container's private registry."""

from collections.abc import Mapping
from typing import Any

import orjson

from emulator.arns import parse_arn
from emulator.neighbours.ports import Neighbours
from emulator.runtime.faults import ResourceInitializationError
from emulator.runtime.specs import RegistryCredentials

_PREFIX = (
    "unable to pull secrets or registry auth: execution resource retrieval failed: unable to get registry auth from asm:"
    " service call has been retried 1 time(s):"
)


def wanted_login(container: Mapping[str, Any]) -> str | None:
    """The secret that a container definition names, by ARN or name."""
    secret: str | None = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
    return secret


def read_login(neighbours: Neighbours, account: str, region: str, secret: str) -> RegistryCredentials:
    """The user and the password that a secret holds: `{"username": …, "password": …}`.

    Raises:
        ResourceInitializationError: it cannot be had, or holds something else; in the words of the ECS agent's source.

    """
    arn = parse_arn(secret)
    place = (account, region) if arn is None else (arn.account, arn.region)
    text = neighbours.secret(*place, secret, "", "")
    if text is None:
        raise ResourceInitializationError(
            f"{_PREFIX} asm fetching secret from the service for {secret}: "
            "ResourceNotFoundException: Secrets Manager can't find the specified secret."
        )
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise _refused("authorization data: unable to unmarshal secret value, invalid schema")
    user, password = (_member(document, name) for name in ("username", "password"))
    return RegistryCredentials(user, password)


def _member(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise _refused("authorization data: unable to unmarshal secret value, invalid schema")
    if not value:
        raise _refused(f"{name}: AuthorizationData is malformed, empty field")
    return value


def _refused(what: str) -> ResourceInitializationError:
    return ResourceInitializationError(f"{_PREFIX} asm fetching {what}")
