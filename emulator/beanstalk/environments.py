"""DescribeEnvironments, TerminateEnvironment, RebuildEnvironment, RestartAppServer, AbortEnvironmentUpdate."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.beanstalk import cnames
from emulator.beanstalk.configurations import find_living_application
from emulator.beanstalk.deployments import again, new_deployment, version_of
from emulator.beanstalk.endings import abort, starting
from emulator.beanstalk.environment_creation import LAUNCH_STAGES, LOOP, launch
from emulator.beanstalk.environment_finding import by_id, by_name, find_environment, find_ready
from emulator.beanstalk.environment_links import linking
from emulator.beanstalk.environment_states import Status, move
from emulator.beanstalk.environment_views import describe
from emulator.beanstalk.errors import (
    InvalidParameterValue,
    dns_name_taken,
    environment_exists,
    no_environment,
    not_ready,
)
from emulator.beanstalk.operation_documents import Operation, OperationName, Stage, operation_of
from emulator.context import Context
from emulator.pagination import InvalidTokenError, decode_token, encode_token
from emulator.state.beanstalk import EnvironmentRow
from scheduler.beanstalk.model import OperationKind

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        AbortEnvironmentUpdateMessageTypeDef,
        DescribeEnvironmentsMessageTypeDef,
        RebuildEnvironmentMessageTypeDef,
        RestartAppServerMessageTypeDef,
        TerminateEnvironmentMessageTypeDef,
    )

_SHOWN = timedelta(hours=1)
"""How long a terminated environment is shown to who does not ask for deleted ones (unconfirmed for the API)."""
_KEPT, _RESTORABLE = timedelta(weeks=6), timedelta(days=42)
_PAGE = 1000


class EnvironmentsResult(TypedDict):
    """A page of environments."""

    Environments: list[dict[str, Any]]
    NextToken: NotRequired[str]


def describe_environments(context: Context, request: "DescribeEnvironmentsMessageTypeDef") -> EnvironmentsResult:
    """Environments by any of their names, the oldest first; none where nothing matches."""
    query = select(EnvironmentRow).where(
        EnvironmentRow.account == context.account, EnvironmentRow.region == context.region
    )
    if "ApplicationName" in request:
        query = query.where(EnvironmentRow.application == request["ApplicationName"])
    if "VersionLabel" in request:
        query = query.where(EnvironmentRow.version_label == request["VersionLabel"])
    if request.get("EnvironmentIds"):
        query = query.where(EnvironmentRow.id.in_(request["EnvironmentIds"]))
    if request.get("EnvironmentNames"):
        query = query.where(EnvironmentRow.name.in_(request["EnvironmentNames"]))
    ordered = query.order_by(EnvironmentRow.created_at, EnvironmentRow.name, EnvironmentRow.id)
    rows = [row for row in context.session.scalars(ordered) if _is_shown(context, row, request)]
    return _page(context, rows, request)


def _is_shown(context: Context, row: EnvironmentRow, request: "DescribeEnvironmentsMessageTypeDef") -> bool:
    if row.terminated_at is None or row.status != Status.TERMINATED:
        return True
    if not request.get("IncludeDeleted", False):
        return row.terminated_at > context.now - _SHOWN
    back_to: Any = request.get("IncludedDeletedBackTo")
    return row.terminated_at > context.now - _KEPT and (back_to is None or row.terminated_at >= back_to)


def _page(
    context: Context, rows: list[EnvironmentRow], request: "DescribeEnvironmentsMessageTypeDef"
) -> EnvironmentsResult:
    try:
        last = decode_token(request.get("NextToken"))
    except InvalidTokenError as error:
        raise InvalidParameterValue("Invalid NextToken.") from error  # (unconfirmed) text
    ids = [row.id for row in rows]
    first = ids.index(last) + 1 if last in ids else 0
    size = request.get("MaxRecords", _PAGE)
    shown = rows[first : first + size]
    result: EnvironmentsResult = {"Environments": [describe(context, row) for row in shown]}
    if first + size < len(rows):
        result["NextToken"] = encode_token(shown[-1].id)
    return result


def terminate_environment(context: Context, request: "TerminateEnvironmentMessageTypeDef") -> dict[str, Any]:
    """Begin to remove an environment; also one whose launch has failed or does not end."""
    row = find_environment(context, request)
    if row.status not in {Status.READY, Status.LAUNCHING}:
        raise not_ready(row.name)
    linked = [other.name for other in linking(context, row)]
    if linked and not request.get("ForceTerminate", False):
        raise InvalidParameterValue(
            f"Environment {row.name} is linked to by environment(s) {', '.join(linked)}."  # (unconfirmed) text
        )
    terminate(context, row)
    return describe(context, row)


def terminate(context: Context, row: EnvironmentRow) -> None:
    """Have the loop remove the environment."""
    move(context, row, Status.TERMINATING)
    row.draft = None
    row.health = {**row.health, "color": "Grey", "status": None}
    starting(context, row, Operation(OperationName.TERMINATE, context.request_id, (Stage.REMOVE, Stage.END)))
    context.wake(LOOP, row.id)


def rebuild_environment(context: Context, request: "RebuildEnvironmentMessageTypeDef") -> dict[str, Any]:
    """Remove and make again all that an environment has; a terminated one comes back as it was."""
    row = _terminated(context, request)
    if row is None:
        row = find_ready(context, request)
        return _rebuild(context, row, OperationName.REBUILD, (Stage.REMOVE, *LAUNCH_STAGES))
    if row.terminated_at is None or row.terminated_at <= context.now - _RESTORABLE:
        raise no_environment(row.name, None)
    if by_name(context, row.name) is not None:
        raise environment_exists(row.name)
    if row.cname is not None and cnames.is_taken(context, row.cname):
        raise dns_name_taken(row.cname)
    find_living_application(context, row.application)
    row.terminated_at = None
    return _rebuild(context, row, OperationName.RESTORE, LAUNCH_STAGES)


def _terminated(context: Context, request: Mapping[str, Any]) -> EnvironmentRow | None:
    """The terminated environment that is meant, where no living one is."""
    name, environment_id = request.get("EnvironmentName"), request.get("EnvironmentId")
    if environment_id is not None:
        row = by_id(context, environment_id)
        return row if row is not None and row.status == Status.TERMINATED else None
    if name is None or by_name(context, name) is not None:
        return None
    query = select(EnvironmentRow).where(
        EnvironmentRow.account == context.account, EnvironmentRow.region == context.region, EnvironmentRow.name == name
    )
    return context.session.scalars(query.order_by(EnvironmentRow.terminated_at.desc())).first()


def _rebuild(context: Context, row: EnvironmentRow, name: OperationName, stages: tuple[Stage, ...]) -> dict[str, Any]:
    label = row.version_label
    version = version_of(context, row.application, label) if label is not None else None
    number = new_deployment(context, row, version, row.settings, row.platform_arn)
    if row.status == Status.TERMINATED:
        move(context, row, Status.LAUNCHING)
        row.resources = {"incarnation": row.resources.get("incarnation", 1)}
        row.deployment = 0
    else:
        move(context, row, Status.UPDATING)
    row.health = {"color": "Grey"}
    launch(context, row, name, number, stages)
    return {}


def restart_app_server(context: Context, request: "RestartAppServerMessageTypeDef") -> dict[str, Any]:
    """Have every instance start its application anew."""
    row = find_ready(context, request)
    if not row.deployment:
        raise not_ready(row.name)
    number = again(context, row)
    move(context, row, Status.UPDATING)
    facts = {"kind": OperationKind.RESTART.value}
    stages = (Stage.CARRY,)
    begun = Operation(
        OperationName.RESTART, context.request_id, (Stage.READ, *stages, Stage.END), (), None, number, facts
    )
    starting(context, row, begun)
    context.wake(LOOP, row.id)
    return {}


def abort_environment_update(context: Context, request: "AbortEnvironmentUpdateMessageTypeDef") -> dict[str, Any]:
    """Have the update under way undone, as far as it has come.

    Raises:
        InvalidParameterValue: none can be aborted now.

    """
    row = find_environment(context, request)
    operation = operation_of(row.operation)
    if not row.abortable or operation is None:
        raise InvalidParameterValue(
            f"Environment named {row.name} is in an invalid state for this operation. Must be pending deployment."
        )  # seen in an issue of the EB CLI
    abort(context, row, operation)
    context.wake(LOOP, row.id)
    return {}
