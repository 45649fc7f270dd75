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


def is_daemon(arn: str) -> bool:
    """Whether `arn` names a daemon; the tasks of one bear it as their service."""
    return ":daemon/" in arn


def is_daemon_definition(arn: str) -> bool:
    """Whether `arn` names a daemon task definition."""
    return ":daemon-task-definition/" in arn


STARTED_BY_ENVIRONMENT = "elasticbeanstalk/"
"""How `startedBy` of a task begins that is an application of Elastic Beanstalk; environment and deployment follow."""


def environment_of(started_by: str | None) -> str | None:
    """The id of the environment of Elastic Beanstalk that a task is of."""
    if started_by is None or not started_by.startswith(STARTED_BY_ENVIRONMENT):
        return None
    return started_by.removeprefix(STARTED_BY_ENVIRONMENT).partition("/")[0]
