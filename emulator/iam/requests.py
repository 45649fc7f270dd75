"""Whether a caller may make a request: each action that it needs, on each resource that it names."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulator.context import Context
from emulator.iam.checks import Check
from emulator.iam.enforcement import require
from emulator.iam.services import ecr, ecs, elasticbeanstalk
from emulator.iam.statements import UNTOLD

_CHECKS: Mapping[str, Callable[[Context, str, Mapping[str, Any]], Iterable[Check]]] = {
    "ecs": ecs.checks,
    "ecr": ecr.checks,
    "ecr-public": ecr.public_checks,
    "elasticbeanstalk": elasticbeanstalk.checks,
}
_PREFIXES = {"monitoring": "cloudwatch", "elbv2": "elasticloadbalancing", "email": "ses"}
"""Signing names whose actions have another prefix."""


def require_request(context: Context, service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Let the request pass where the caller's policies allow all that it needs.

    Raises:
        NotAuthorizedError: they do not; it says what is missing first.

    """
    if context.caller is None or context.caller.grants is None:
        return
    for check in checks_of(context, service, operation, request):
        require(context, check)


def checks_of(context: Context, service: str, operation: str, request: Mapping[str, Any]) -> Iterable[Check]:
    """What a request needs to be permitted; of services without a table, nobody knows on which resource."""
    known = _CHECKS.get(service)
    return known(context, operation, request) if known else [Check(action_name(service, operation), UNTOLD)]


def action_name(service: str, operation: str) -> str:
    """The action of an operation of a service that has no table: `PREFIX:Operation`."""
    return f"{_PREFIXES.get(service, service)}:{operation}"
