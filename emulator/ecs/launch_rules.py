"""What holds for everything that starts tasks, RunTask and services alike: launch type, platform, network, placement."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.ecs.errors import (
    InvalidParameterException,
    PlatformUnknownException,
    UnsupportedFeatureException,
)

_LAUNCH_TYPES = ("EC2", "FARGATE", "EXTERNAL")
_PLATFORMS = {"LATEST", "1.4.0"}
_OLDER_PLATFORMS = {"1.0.0", "1.1.0", "1.2.0", "1.3.0"}


def check_launch_type(launch_type: str) -> None:
    """Raise InvalidParameterException for a launch type that ECS does not have, or that is not emulated."""
    if launch_type not in _LAUNCH_TYPES:
        raise InvalidParameterException(f"launch type should be one of [{','.join(_LAUNCH_TYPES)}]")


def rules_for_hosts(documents: Sequence[Mapping[str, Any]], launch_type: str, what: str) -> Sequence[Mapping[str, Any]]:
    """Placement constraints or strategies (`what`), as they were given.

    Raises:
        InvalidParameterException: there are no hosts on Fargate; text (unconfirmed).

    """
    if documents and launch_type == "FARGATE":
        raise InvalidParameterException(f"Placement {what} are not supported with FARGATE launch type.")
    return documents


def network_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """With the members that ECS always shows; empty where no network is described.

    Raises:
        InvalidParameterException: more subnets or security groups than a task can have.

    """
    if not document.get("awsvpcConfiguration"):
        return {}
    given = document["awsvpcConfiguration"]
    for member, most in (("subnets", 16), ("securityGroups", 5)):
        if len(given.get(member, [])) > most:
            raise InvalidParameterException(f"{member} can have at most {most} items.")
    return {"awsvpcConfiguration": {"securityGroups": [], "assignPublicIp": "DISABLED", **given}}


def platform_of(version: str, launch_type: str) -> str:
    """A platform version that a request names.

    Raises:
        InvalidParameterException: hosts have none.
        PlatformUnknownException: there is no such version.
        UnsupportedFeatureException: it is an older one, which would not be carried out.

    """
    if launch_type != "FARGATE":
        raise InvalidParameterException("The platform version must be null when specifying an EC2 launch type.")
    if version in _OLDER_PLATFORMS:
        raise UnsupportedFeatureException(f"Not emulated yet: platform version {version}.")
    if version not in _PLATFORMS:
        raise PlatformUnknownException("The specified platform does not exist.")
    return version
