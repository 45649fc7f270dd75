"""Pages of ECR's lists."""

from emulator.ecr.errors import InvalidParameterException, invalid
from emulator.pagination import InvalidTokenError, decode_token

MAX_PAGE = 100
"""How many entries a page has where the request does not say."""


def page_start(token: str | None) -> str | None:
    """The key after which the page begins."""
    try:
        return decode_token(token)
    except InvalidTokenError as error:
        raise refused_token() from error


def refused_token() -> InvalidParameterException:
    """What a `nextToken` of nobody's gets."""
    return invalid("nextToken", "Invalid token")  # (unconfirmed)


def page_offset(token: str | None) -> int:
    """The number of entries before the page, for lists that are kept whole."""
    text = page_start(token) or "0"
    if not text.isdecimal():
        raise refused_token()
    return int(text)
