"""Daemon task definitions: register, describe, list, delete.

Beside what is shown, a row keeps the same as a task definition's body: its tasks are started, watched and stopped as any.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import exists, func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.names import is_daemon_definition, last_part
from emulator.ecs.pages import page_size, start_after
from emulator.ecs.requires_attributes import requires_attributes
from emulator.ecs.tags import check_tags
from emulator.ecs.task_definition_form import normalise
from emulator.ecs.task_definition_rules import check_family, check_task_definition
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.daemons import DaemonRevisionRow, DaemonRow, DaemonTaskDefinitionRow
from emulator.state.ecs import TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DeleteDaemonTaskDefinitionRequestTypeDef,
        DescribeDaemonTaskDefinitionRequestTypeDef,
        ListDaemonTaskDefinitionsRequestTypeDef,
        RegisterDaemonTaskDefinitionRequestTypeDef,
    )

_MISSING = "The specified daemon task definition does not exist. Specify a valid family, revision and try again."
"""(unconfirmed) text."""
_SHOWN = ("family", "taskRoleArn", "executionRoleArn", "cpu", "memory", "volumes", "pidMode", "ipcMode")
_SHARED = {"pidMode": "host", "ipcMode": "host"}
"""What `shared` means to a container engine."""


class DaemonTaskDefinitionArnResult(TypedDict):
    """Which revision."""

    daemonTaskDefinitionArn: str


def register_daemon_task_definition(
    context: Context, request: "RegisterDaemonTaskDefinitionRequestTypeDef"
) -> DaemonTaskDefinitionArnResult:
    """Register the next revision of a family."""
    check_family(request["family"])
    tags = check_tags(request.get("tags", []))
    for volume in request.get("volumes", []):
        if "logDriverVolumeConfiguration" in volume:
            raise InvalidParameterException("Not emulated yet: logDriverVolumeConfiguration.")
    body = _body(request)
    check_task_definition(body)
    body["requiresAttributes"] = requires_attributes(body, context.emulator.port)
    family = request["family"]
    its = DaemonTaskDefinitionRow.account == context.account, DaemonTaskDefinitionRow.region == context.region
    last = context.session.scalar(
        select(func.max(DaemonTaskDefinitionRow.revision)).where(*its, DaemonTaskDefinitionRow.family == family)
    )
    revision = (last or 0) + 1
    arn = context.arn("ecs", f"daemon-task-definition/{family}:{revision}")
    row = DaemonTaskDefinitionRow(
        arn=arn,
        account=context.account,
        region=context.region,
        family=family,
        revision=revision,
        status="ACTIVE",
        shown=_shown(request, body, context.principal),
        body=body,
        registered_at=context.now,
        delete_requested_at=None,
        tags=tags,
    )
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, arn, {"status": row.status})
    return {"daemonTaskDefinitionArn": arn}


def _body(request: Mapping[str, Any]) -> dict[str, Any]:
    given = {member: value for member, value in request.items() if member not in _SHARED}
    shared = {member: mode for member, mode in _SHARED.items() if request.get(member) == "shared"}
    return normalise({**given, **shared})


def _shown(request: Mapping[str, Any], body: Mapping[str, Any], principal: str) -> dict[str, Any]:
    """What was asked for, with the containers' defaults that a daemon's container has, too."""
    known = {member: request[member] for member in _SHOWN if request.get(member)}
    known |= {member: body[member] for member in ("cpu", "memory") if member in body}
    containers = [
        {**container, "cpu": filled["cpu"], "essential": filled["essential"]}
        for container, filled in zip(request["containerDefinitions"], body["containerDefinitions"], strict=True)
    ]
    modes = {member: request.get(member, "none") for member in _SHARED}
    return {"volumes": [], **known, **modes, "containerDefinitions": containers, "registeredBy": principal}


def find_daemon_task_definition(context: Context, identifier: str) -> DaemonTaskDefinitionRow | None:
    """The revision that `family` (its latest ACTIVE one), `family:revision` or an ARN names."""
    prefix = context.arn("ecs", "daemon-task-definition/")
    if parse_arn(identifier) and not identifier.startswith(prefix):
        return None
    family, _, revision = identifier.removeprefix(prefix).partition(":")
    if revision:
        return context.session.get(DaemonTaskDefinitionRow, f"{prefix}{family}:{revision}")
    latest = (
        select(DaemonTaskDefinitionRow)
        .where(
            DaemonTaskDefinitionRow.account == context.account,
            DaemonTaskDefinitionRow.region == context.region,
            DaemonTaskDefinitionRow.family == family,
            DaemonTaskDefinitionRow.status == "ACTIVE",
        )
        .order_by(DaemonTaskDefinitionRow.revision.desc())
    )
    return context.session.scalars(latest.limit(1)).first()


def usable_daemon_task_definition(context: Context, identifier: str) -> DaemonTaskDefinitionRow:
    """The ACTIVE revision of that name.

    Raises:
        ClientException: there is none.

    """
    row = find_daemon_task_definition(context, identifier)
    if row is None or row.status != "ACTIVE":
        raise ClientException(_MISSING)
    return row


def describe_daemon_task_definition(
    context: Context, request: "DescribeDaemonTaskDefinitionRequestTypeDef"
) -> dict[str, Any]:
    """One revision; those that are being deleted by their number only."""
    row = find_daemon_task_definition(context, request["daemonTaskDefinition"])
    if row is None:
        raise ClientException("Unable to describe daemon task definition.")  # (unconfirmed) text
    document = {
        **row.shown,
        "daemonTaskDefinitionArn": row.arn,
        "revision": row.revision,
        "status": row.status,
        "registeredAt": row.registered_at,
    }
    if row.delete_requested_at is not None:
        document["deleteRequestedAt"] = row.delete_requested_at
    return {"daemonTaskDefinition": document}


def delete_daemon_task_definition(
    context: Context, request: "DeleteDaemonTaskDefinitionRequestTypeDef"
) -> DaemonTaskDefinitionArnResult:
    """Want a revision gone; daemons that have it go on, and it is DELETED once none has."""
    identifier = request["daemonTaskDefinition"]
    if ":" not in last_part(identifier):
        raise ClientException("Revision is missing.")
    row = usable_daemon_task_definition(context, identifier)
    row.status, row.delete_requested_at = "DELETE_IN_PROGRESS", context.now
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
    context.wake("daemons", row.arn)
    return {"daemonTaskDefinitionArn": row.arn}


def finish_deletion(context: Context, arn: str) -> None:
    """DELETED, unless a daemon or a task still has it: then its end wakes this again."""
    row = context.session.get(DaemonTaskDefinitionRow, arn)
    if row is None or row.status != "DELETE_IN_PROGRESS":
        return
    used = select(exists().where(TaskRow.task_definition_arn == arn, TaskRow.last_status != "STOPPED"))
    if context.session.scalar(used):
        return
    revisions = context.session.scalars(
        select(DaemonRevisionRow).join(DaemonRow, DaemonRow.revision_arn == DaemonRevisionRow.arn)
    )
    if any(revision.body["daemonTaskDefinitionArn"] == arn for revision in revisions):
        return
    row.status = "DELETED"
    context.record(Kind.STATE_CHANGE, arn, {"status": row.status})


def wake_deletions(context: Context) -> None:
    """Have those that are being deleted looked at again."""
    going = select(DaemonTaskDefinitionRow.arn).where(
        DaemonTaskDefinitionRow.account == context.account,
        DaemonTaskDefinitionRow.region == context.region,
        DaemonTaskDefinitionRow.status == "DELETE_IN_PROGRESS",
    )
    context.wake("daemons", *context.session.scalars(going))


class ListDaemonTaskDefinitionsResult(TypedDict):
    """A page."""

    daemonTaskDefinitions: list[dict[str, Any]]
    nextToken: NotRequired[str]


def list_daemon_task_definitions(
    context: Context, request: "ListDaemonTaskDefinitionsRequestTypeDef"
) -> ListDaemonTaskDefinitionsResult:
    """A page of revisions, by family, then by number; DELETED ones are not listed."""
    size = page_size(request.get("maxResults"))
    table, status = DaemonTaskDefinitionRow, request.get("status", "ACTIVE")
    wanted = table.status == status if status != "ALL" else table.status != "DELETED"
    statement = select(table).where(table.account == context.account, table.region == context.region, wanted)
    if "family" in request:
        statement = statement.where(table.family == request["family"])
    prefix = request.get("familyPrefix", "")
    if prefix:
        statement = statement.where(func.substr(table.family, 1, len(prefix)) == prefix)
    if request.get("revision") == "LAST_REGISTERED":
        newest = select(func.max(table.revision).label("number"), table.family.label("family")).where(
            table.account == context.account, table.region == context.region
        )
        last = newest.group_by(table.family).subquery()
        statement = statement.join(last, (last.c.family == table.family) & (last.c.number == table.revision))
    columns = (table.family, table.revision)
    descending = request.get("sort", "ASC") == "DESC"
    rows = context.session.scalars(statement.order_by(*(item.desc() if descending else item for item in columns)))
    found = list(rows)
    first = _first(found, start_after(request.get("nextToken")))
    shown = found[first : first + size]
    result: ListDaemonTaskDefinitionsResult = {"daemonTaskDefinitions": [_summary(row) for row in shown]}
    if len(found) > first + size:
        result["nextToken"] = encode_token(shown[-1].arn)
    return result


def _first(rows: list[DaemonTaskDefinitionRow], after: str) -> int:
    """Where the page begins: behind the row of this ARN."""
    if not after:
        return 0
    if not is_daemon_definition(after):  # the token is of another list
        raise InvalidParameterException("Invalid token.")  # (unconfirmed) text
    return next((number for number, row in enumerate(rows, 1) if row.arn == after), len(rows))


def _summary(row: DaemonTaskDefinitionRow) -> dict[str, Any]:
    found = {
        "arn": row.arn,
        "registeredAt": row.registered_at,
        "registeredBy": row.shown["registeredBy"],
        "deleteRequestedAt": row.delete_requested_at,
        "status": row.status,
    }
    return {member: value for member, value in found.items() if value is not None}
