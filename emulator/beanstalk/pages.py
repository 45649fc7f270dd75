"""Pages of lists that are short enough to be made whole."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from emulator.beanstalk.errors import InvalidParameterValue
from emulator.pagination import InvalidTokenError, decode_token, encode_token

_T = TypeVar("_T")


def start_after(token: str | None) -> str | None:
    """The key after which a page begins.

    Raises:
        InvalidParameterValue: the token is none of ours; the text is (unconfirmed).

    """
    try:
        return decode_token(token)
    except InvalidTokenError:
        raise InvalidParameterValue("Invalid NextToken.") from None


def cut(
    items: Sequence[_T], key: Callable[[_T], str], size: int | None, token: str | None
) -> tuple[Sequence[_T], dict[str, str]]:
    """A page of `items`, which are sorted by `key`, and the `NextToken` where more follow."""
    after = start_after(token)
    rest = items if after is None else [item for item in items if key(item) > after]
    if size is None or len(rest) <= size:
        return rest, {}
    return rest[:size], {"NextToken": encode_token(key(rest[size - 1]))}
