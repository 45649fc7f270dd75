"""What ECS accepts as names, and how its resources are spelled in ARNs."""

import re

from emulator.ecs.errors import InvalidParameterException

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def is_name(text: str) -> bool:
    """Whether `text` may name a cluster, a service, a family or a container."""
    return _NAME.fullmatch(text) is not None


def last_part(identifier: str) -> str:
    """The name or id at the end of an ARN, or the short form itself."""
    return identifier.rpartition("/")[2]


def check_name(text: str, what: str) -> None:
    """Raise InvalidParameterException unless `text` is a name."""
    if not is_name(text):
        raise InvalidParameterException(f"{what} contains invalid characters.")
