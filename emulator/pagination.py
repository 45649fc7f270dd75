"""Pages of a list: opaque tokens that carry the last key shown, so that a page costs what it shows, however long the list."""

import base64
import binascii


class InvalidTokenError(ValueError):
    """A `nextToken` that no page of ours gave out."""


def encode_token(last_key: str) -> str:
    """The `nextToken` of a page that ended with `last_key`."""
    return base64.urlsafe_b64encode(f"ashore:{last_key}".encode()).decode()


def decode_token(token: str | None) -> str | None:
    """The key after which the page begins; None for the first page.

    Raises:
        InvalidTokenError: the token is not one of `encode_token`'s.

    """
    if not token:
        return None
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidTokenError(token) from error
    if not text.startswith("ashore:"):
        raise InvalidTokenError(token)
    return text.removeprefix("ashore:")
