"""Registry passwords: they carry who may use which registry until when, signed, so that none need be stored.

All registries share one host name (`localhost:PORT`), so the password tells accounts and regions apart. It must not
contain a colon: `aws ecr get-login-password` splits the decoded token at colons and wants two parts.
"""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson
from sqlalchemy.orm import Session

from emulator.state.journal import ServerStateRow

if TYPE_CHECKING:
    from emulator.emulator import Emulator

USER = "AWS"
LIFETIME = timedelta(hours=12)
_KEY = "ecr.token_key"


class InvalidTokenError(Exception):
    """A password that this server did not give out."""


class ExpiredTokenError(Exception):
    """A password that was good once."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a password says."""

    account: str
    region: str
    principal: str
    expires_at: datetime
    blob: str | None = None
    """The path of the only blob that it opens, for an address that is handed on; None for all that the caller may do."""


def mint(emulator: "Emulator", account: str, region: str, principal: str) -> str:
    """A new password, in a transaction of its own."""
    with emulator.transaction(account, region, principal) as context:
        return sign(context.session, Claims(account, region, principal, context.now + LIFETIME))


def verify(emulator: "Emulator", password: str) -> Claims:
    """What `password` says, in a transaction of its own; see `read`."""
    with emulator.store.begin() as session:
        return read(session, password, emulator.clock.now())


def sign(session: Session, claims: Claims) -> str:
    """The password that carries `claims`."""
    expiry = int(claims.expires_at.timestamp())
    payload = orjson.dumps([claims.account, claims.region, claims.principal, expiry, claims.blob])
    return _joined(payload, _signature(session, payload))


def read(session: Session, password: str, now: datetime) -> Claims:
    """What `password` says.

    Raises:
        InvalidTokenError: it is not one of ours.
        ExpiredTokenError: it was ours, but its time is over.

    """
    text, _, signature = password.partition(".")
    try:
        payload, given = _decode(text), _decode(signature)
    except (binascii.Error, ValueError) as error:
        raise InvalidTokenError from error
    if not hmac.compare_digest(given, _signature(session, payload)):
        raise InvalidTokenError
    if password != _joined(payload, given):  # base64 has several spellings of the same bytes; ours is one of them
        raise InvalidTokenError
    account, region, principal, expiry, *rest = orjson.loads(payload)  # the first passwords had no fifth member
    claims = Claims(account, region, principal, datetime.fromtimestamp(expiry, UTC), *rest)
    if claims.expires_at <= now:
        raise ExpiredTokenError
    return claims


def _signature(session: Session, payload: bytes) -> bytes:
    return _hmac(_key(session), payload)


@lru_cache(maxsize=1024)
def _hmac(key: bytes, payload: bytes) -> bytes:
    """Kept for a while: every request of a push carries the same password."""
    return hmac.digest(key, payload, hashlib.sha256)


def _key(session: Session) -> bytes:
    """The server's key, drawn once and kept with the state: passwords outlive a restart, but not a reset."""
    row = session.get(ServerStateRow, _KEY)
    if row is None:
        row = ServerStateRow(name=_KEY, value={"key": os.urandom(32).hex()})
        session.add(row)
        session.flush()
    return bytes.fromhex(row.value["key"])


def _joined(payload: bytes, signature: bytes) -> str:
    return f"{_encode(payload)}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
