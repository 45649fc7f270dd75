"""What tags may be; the texts are (unconfirmed)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from emulator.beanstalk.errors import InvalidParameterValue, TooManyTagsException

MOST = 50
MOST_OF_ENVIRONMENT = 47
"""The service adds three of its own."""
RESERVED = ("elasticbeanstalk:environment-name", "elasticbeanstalk:environment-id", "Name")
"""Of environments, set by the service."""


def checked_tags(
    given: Iterable[Mapping[str, Any]], most: int = MOST, *, reserved: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Tags as rows keep them; of a key that comes twice, the last value counts.

    Raises:
        InvalidParameterValue: a key is missing or reserved.
        TooManyTagsException: more than a resource may have.

    """
    found: dict[str, str] = {}
    for tag in given:
        key = tag.get("Key")
        if not key:
            raise InvalidParameterValue("Tag keys cannot be empty.")
        check_key(key, reserved)
        found[key] = str(tag.get("Value") or "")
    check_number(found, most)
    return [{"Key": key, "Value": value} for key, value in found.items()]


def check_key(key: str, reserved: Collection[str] = ()) -> None:
    """Whether a user may set or remove it.

    Raises:
        InvalidParameterValue: it is AWS's or the service's own.

    """
    if key.lower().startswith(("aws:", "elasticbeanstalk:")):
        raise InvalidParameterValue(
            f"Tag key '{key}' is reserved: keys may not begin with 'aws:' or 'elasticbeanstalk:'."
        )
    if key in reserved:
        raise InvalidParameterValue(f"Tag key '{key}' is reserved.")


def check_number(tags: Mapping[str, str], most: int) -> None:
    """Whether there are not too many.

    Raises:
        TooManyTagsException: there are.

    """
    if len(tags) > most:
        raise TooManyTagsException(f"A resource can have at most {most} tags.")
