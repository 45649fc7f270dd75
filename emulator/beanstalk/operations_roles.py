"""The role with which an environment's own operations are done, where one is associated."""

from typing import TYPE_CHECKING, TypedDict

from emulator.beanstalk.environment_finding import find_named
from emulator.beanstalk.environment_states import subject
from emulator.context import Context
from emulator.journal import Kind

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        AssociateEnvironmentOperationsRoleMessageTypeDef,
        DisassociateEnvironmentOperationsRoleMessageTypeDef,
    )


class NoResult(TypedDict):
    """Nothing to say."""


def associate_environment_operations_role(
    context: Context, request: "AssociateEnvironmentOperationsRoleMessageTypeDef"
) -> NoResult:
    """Give an environment a role."""
    _set(context, request["EnvironmentName"], request["OperationsRole"])
    return {}


def disassociate_environment_operations_role(
    context: Context, request: "DisassociateEnvironmentOperationsRoleMessageTypeDef"
) -> NoResult:
    """Take it away: the environment uses the caller's permissions again."""
    _set(context, request["EnvironmentName"], None)
    return {}


def _set(context: Context, name: str, role: str | None) -> None:
    row = find_named(context, name, None)
    row.operations_role = role
    row.updated_at = context.now
    context.record(Kind.STATE_CHANGE, subject(row), {"operations_role": role})
