"""Who calls, and what policies have to say of them.

A key of twelve digits is an account's root, and so is any key that does not look like one of AWS's (`test`): both may do
everything. Keys that do (`AKIA…`, `ASIA…`) are users' and sessions'.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from emulator.iam.decisions import Grants
from emulator.iam.documents import MalformedPolicyError, Policy, parse_policy
from emulator.neighbours.identity_ports import Identity, PolicyText
from emulator.settings import Iam

if TYPE_CHECKING:
    from emulator.emulator import Emulator

_LOG = structlog.get_logger()
_ISSUED = re.compile(r"A(?:KIA|SIA)[A-Z2-7]{12,}")
"""Keys of users and of sessions, as AWS and moto draw them."""
_KINDS = {"user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser", "root": "Account"}
_NOTHING = Policy(())
"""What a document says that is none: it allows nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with its permissions."""

    principal: str
    """Its ARN."""
    grants: Grants | None = None
    """None for an account's root."""
    role: str = ""
    """The role's ARN of a session."""
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The condition keys that are known of it and of its request, in lower case."""


def is_issued(access_key: str) -> bool:
    """Whether the key is one that IAM or STS gives out."""
    return _ISSUED.fullmatch(access_key) is not None


def caller_of(identity: Identity) -> Caller:
    """The caller that an identity is."""
    return Caller(identity.arn, grants_of(identity), identity.role, _keys_of(identity))


def permissions_of(emulator: "Emulator", principal: str) -> Caller | None:
    """What a principal may do; None where that is not asked: IAM is off, or it is a root or one of AWS's services.

    A principal that is gone may do nothing.
    """
    if emulator.settings.iam is Iam.OFF or emulator.identities is None or not _is_identity(principal):
        return None
    found = emulator.identities.by_arn(principal)
    return caller_of(found) if found is not None else Caller(principal, Grants())


def _is_identity(principal: str) -> bool:
    return principal.startswith("arn:") and not principal.endswith(":root")


def grants_of(identity: Identity) -> Grants:
    """An identity's policies, read."""
    return Grants(
        tuple(map(_read, identity.policies)),
        None if identity.boundary is None else (_read(identity.boundary),),
        None if identity.session is None else (_read(identity.session),),
    )


def global_keys(principal: str, region: str, now: datetime) -> dict[str, list[str]]:
    """The condition keys that every request has, in lower case."""
    parts = principal.split(":", 5)
    return {
        "aws:principalarn": [principal],
        "aws:principalaccount": parts[4:5],
        "aws:principaltype": [_KINDS.get(parts[-1].partition("/")[0], "Anonymous")],
        "aws:requestedregion": [region],
        "aws:currenttime": [now.isoformat()],
        "aws:epochtime": [str(int(now.timestamp()))],
        "aws:securetransport": ["false"],
    }


def _keys_of(identity: Identity) -> dict[str, list[str]]:
    tags = {f"aws:principaltag/{key}".lower(): [value] for key, value in identity.tags.items()}
    name = {"aws:username": [identity.user]} if identity.user else {}
    return {"aws:userid": [identity.unique_id], **name, **tags}


@lru_cache(maxsize=2048)
def _read(document: PolicyText) -> Policy:
    try:
        return parse_policy(document.text, principals=False, resources=True, name=document.name)
    except MalformedPolicyError as error:
        _LOG.warning("a policy cannot be read and allows nothing", policy=document.name, reason=str(error))
        return _NOTHING
