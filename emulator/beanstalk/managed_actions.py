"""Managed actions: DescribeEnvironmentManagedActions, its history, ApplyEnvironmentManagedAction."""

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from emulator.beanstalk.environment_finding import find_environment, find_ready
from emulator.beanstalk.environment_updates import begin_replacement
from emulator.beanstalk.errors import InvalidParameterValue, ManagedActionInvalidStateException
from emulator.beanstalk.managed_plans import LIVING, LOOP, PAST, RUNNING, SCHEDULED, actions_of, finish
from emulator.beanstalk.option_values import ENVIRONMENT, values_of
from emulator.beanstalk.pages import start_after
from emulator.beanstalk.permissions import RolePermissions
from emulator.context import Context
from emulator.iam.checks import Check
from emulator.neighbours.environment_ports import Place
from emulator.pagination import encode_token
from emulator.state.beanstalk import EnvironmentRow, ManagedActionRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        ApplyEnvironmentManagedActionRequestTypeDef,
        DescribeEnvironmentManagedActionHistoryRequestTypeDef,
        DescribeEnvironmentManagedActionsRequestTypeDef,
    )

_IMMUTABLE = tuple(
    {"Namespace": "aws:autoscaling:updatepolicy:rollingupdate", "OptionName": name, "Value": value}
    for name, value in (("RollingUpdateEnabled", "true"), ("RollingUpdateType", "Immutable"))
)
"""Managed updates never reduce capacity, whatever the environment's own updates do."""


class ActionsResult(TypedDict):
    """Actions that wait or run."""

    ManagedActions: list[dict[str, Any]]


class HistoryResult(TypedDict):
    """A page of what was done."""

    ManagedActionHistoryItems: list[dict[str, Any]]
    NextToken: NotRequired[str]


def describe_environment_managed_actions(
    context: Context, request: "DescribeEnvironmentManagedActionsRequestTypeDef"
) -> ActionsResult:
    """Actions that wait for their window, or run."""
    row = find_environment(context, request)
    wanted = request.get("Status")
    found = [action for action in actions_of(context, row, LIVING) if wanted in {None, action.status}]
    return {"ManagedActions": [{**_named(action), "WindowStartTime": action.window_start} for action in found]}


def describe_environment_managed_action_history(
    context: Context, request: "DescribeEnvironmentManagedActionHistoryRequestTypeDef"
) -> HistoryResult:
    """Actions that were done or failed, the newest first."""
    row = find_environment(context, request)
    past = sorted(
        actions_of(context, row, PAST), key=lambda action: action.finished_at or action.window_start, reverse=True
    )
    last, size = start_after(request.get("NextToken")), request.get("MaxItems") or len(past)
    ids = [action.id for action in past]
    first = ids.index(last) + 1 if last in ids else 0
    shown = past[first : first + size]
    result: HistoryResult = {"ManagedActionHistoryItems": [_history(action) for action in shown]}
    if first + size < len(past):
        result["NextToken"] = encode_token(shown[-1].id)
    return result


def apply_environment_managed_action(
    context: Context, request: "ApplyEnvironmentManagedActionRequestTypeDef"
) -> dict[str, Any]:
    """Do an action now, whenever its window is."""
    row = find_environment(context, request)
    action = context.session.get(ManagedActionRow, request["ActionId"])
    if action is None or action.environment_id != row.id:
        raise InvalidParameterValue(f"No Managed Action found for ActionId = '{request['ActionId']}'.")  # (unconfirmed)
    if action.status != SCHEDULED:
        raise ManagedActionInvalidStateException(action.id)
    begin(context, find_ready(context, request), action)
    return _named(action)


def begin(context: Context, row: EnvironmentRow, action: ManagedActionRow) -> None:
    """Have the environment's instances replaced, on the action's platform version. The environment is Ready.

    Where its role may not update it (IAM on), the action fails.
    """
    action.status, action.executed_at = RUNNING, context.now
    denied = _denied(context, row)
    if denied is not None:
        finish(context, row, action, "PermissionsError", denied)
        context.wake(LOOP, row.id)
        return
    begin_replacement(context, row, action.platform_arn or row.platform_arn, _IMMUTABLE, {"managed": action.id})


def _denied(context: Context, row: EnvironmentRow) -> str | None:
    """Why the environment's service role may not update it; None where it may, or nobody asks.

    Without a role it is the service's own, which may. That the action asked for is UpdateEnvironment is (unconfirmed).
    """
    values = values_of(row.bundle_settings, row.settings)
    role = values.get(_MANAGED, "ServiceRoleForManagedUpdates") or values.get(ENVIRONMENT, "ServiceRole")
    if not role or role.rpartition("/")[2].startswith("AWSServiceRole"):
        return None
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{row.account}:role/{role}"
    environment = context.arn("elasticbeanstalk", f"environment/{row.application}/{row.name}")
    check = Check("elasticbeanstalk:UpdateEnvironment", environment)
    place = Place(row.account, row.region)
    return RolePermissions(context.emulator).refusal(place, arn, "managed-updates", check)


_MANAGED = "aws:elasticbeanstalk:managedactions"


def _named(action: ManagedActionRow) -> dict[str, Any]:
    return {
        "ActionId": action.id,
        "ActionDescription": action.description,
        "ActionType": action.kind,
        "Status": action.status,
    }


def _history(action: ManagedActionRow) -> dict[str, Any]:
    found = {
        **_named(action),
        "FailureType": action.failure_type,
        "FailureDescription": action.failure,
        "ExecutedTime": action.executed_at,
        "FinishedTime": action.finished_at,
    }
    return {name: value for name, value in found.items() if value is not None}
