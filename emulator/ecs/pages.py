"""ECS's page sizes and the error for a token that is not ours."""

from collections.abc import Sequence

from emulator.ecs.errors import InvalidParameterException
from emulator.pagination import InvalidTokenError, decode_token, encode_token


def start_after(token: str | None) -> str:
    """The key after which the page begins; empty for the first page."""
    try:
        return decode_token(token) or ""
    except InvalidTokenError:
        raise InvalidParameterException("Invalid token.") from None  # (unconfirmed) text


def page_size(asked: int | None, default: int = 100, most: int = 100) -> int:
    """How many to show."""
    if asked is None:
        return default
    if not 1 <= asked <= most:
        raise InvalidParameterException(f"maxResults must be between 1 and {most}.")  # (unconfirmed) text
    return asked


def cut(keys: Sequence[str], size: int) -> tuple[list[str], dict[str, str]]:
    """The page of `keys` (read with one too many) and, where there are more, `nextToken`."""
    shown = list(keys[:size])
    return shown, {"nextToken": encode_token(shown[-1])} if len(keys) > size else {}
