"""CodeDeploy's pages: names of 100 at a time."""

from collections.abc import Sequence
from typing import Any

from emulator.codedeploy.errors import InvalidNextTokenException
from emulator.pagination import InvalidTokenError, decode_token, encode_token

_SIZE = 100
"""The lists take no size; CodeDeploy's own is (unconfirmed)."""


def page(member: str, keys: Sequence[str], token: str | None) -> dict[str, Any]:
    """The page of `keys` that follows the one that gave `token` out."""
    try:
        last = decode_token(token)
    except InvalidTokenError:
        raise InvalidNextTokenException from None
    if last is not None and last not in keys:
        raise InvalidNextTokenException
    start = 0 if last is None else keys.index(last) + 1
    shown = list(keys[start : start + _SIZE])
    more = {"nextToken": encode_token(shown[-1])} if start + _SIZE < len(keys) else {}
    return {member: shown, **more}
