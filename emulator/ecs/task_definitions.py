"""Task definitions: register, describe, list, deregister, delete."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import bindparam, exists, func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.fargate_rules import check_fargate
from emulator.ecs.names import last_part
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.requires_attributes import requires_attributes
from emulator.ecs.tags import check_tags
from emulator.ecs.task_definition_form import compatibilities, normalise
from emulator.ecs.task_definition_rules import check_family, check_task_definition
from emulator.journal import Kind
from emulator.state.ecs import FamilyRow, ServiceRow, TaskDefinitionRow, TaskRow, family_key

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DeleteTaskDefinitionsRequestTypeDef,
        DeregisterTaskDefinitionRequestTypeDef,
        DescribeTaskDefinitionRequestTypeDef,
        ListTaskDefinitionFamiliesRequestTypeDef,
        ListTaskDefinitionsRequestTypeDef,
        RegisterTaskDefinitionRequestTypeDef,
    )

_DELETION_TAKES = timedelta(hours=1)
"""How long a deleted revision is shown at least; ECS gives no number (unconfirmed)."""


_MISSING = "The specified task definition does not exist. Specify a valid account, family, revision and try again."

_LATEST = (
    select(TaskDefinitionRow)
    .where(
        TaskDefinitionRow.account == bindparam("account"),
        TaskDefinitionRow.region == bindparam("region"),
        TaskDefinitionRow.family == bindparam("family"),
        TaskDefinitionRow.status == "ACTIVE",
    )
    .order_by(TaskDefinitionRow.revision.desc())
    .limit(1)
)


class RegisterTaskDefinitionResult(TypedDict):
    """The new revision."""

    taskDefinition: dict[str, Any]
    tags: list[dict[str, Any]]


def register_task_definition(
    context: Context, request: "RegisterTaskDefinitionRequestTypeDef"
) -> RegisterTaskDefinitionResult:
    """Register the next revision of a family, also where it equals the last one."""
    check_family(request["family"])
    tags = check_tags(request.get("tags", []))
    body = normalise(request)
    check_task_definition(body)
    port = context.emulator.port
    if "FARGATE" in body.get("requiresCompatibilities", []):
        check_fargate(body, port)
    if "EXTERNAL" in body.get("requiresCompatibilities", []) and body.get("networkMode") == "awsvpc":
        raise ClientException("EXTERNAL does not support network mode 'awsvpc'.")  # (unconfirmed) text
    body["compatibilities"] = compatibilities(body, port)
    body["requiresAttributes"] = requires_attributes(body, port)
    _forget_deleted(context)
    revision = _next_revision(context, body["family"])
    arn = context.arn("ecs", f"task-definition/{body['family']}:{revision}")
    row = TaskDefinitionRow(
        arn=arn,
        account=context.account,
        region=context.region,
        family=body["family"],
        revision=revision,
        status="ACTIVE",
        body={**body, "registeredBy": context.principal},
        registered_at=context.now,
        deregistered_at=None,
        delete_requested_at=None,
        tags=tags,
    )
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, arn, {"status": "ACTIVE"})
    return {"taskDefinition": describe(row), "tags": tags}


def _next_revision(context: Context, family: str) -> int:
    row = context.session.get(FamilyRow, (context.account, context.region, family))
    if row is None:
        row = FamilyRow(account=context.account, region=context.region, family=family, last_revision=0)
        context.session.add(row)
    row.last_revision += 1
    return row.last_revision


def describe(row: TaskDefinitionRow) -> dict[str, Any]:
    """A task definition as DescribeTaskDefinition shows it."""
    document = {
        **row.body,
        "taskDefinitionArn": row.arn,
        "revision": row.revision,
        "status": row.status,
        "registeredAt": row.registered_at,
    }
    if row.deregistered_at is not None:
        document["deregisteredAt"] = row.deregistered_at
    if row.delete_requested_at is not None:
        document["deleteRequestedAt"] = row.delete_requested_at
    return document


def find_task_definition(context: Context, identifier: str) -> TaskDefinitionRow | None:
    """The revision that `family` (its latest ACTIVE one), `family:revision` or an ARN names, or None."""
    prefix = context.arn("ecs", "task-definition/")
    if parse_arn(identifier) and not identifier.startswith(prefix):
        return None
    family, _, revision = identifier.removeprefix(prefix).partition(":")
    if revision:
        return context.session.get(TaskDefinitionRow, f"{prefix}{family}:{revision}")
    memo, key = context.emulator.store.memo, family_key(context.account, context.region, family)
    latest: TaskDefinitionRow | None = memo.known(context.session, key)
    if latest is None:
        asked = {"account": context.account, "region": context.region, "family": family}
        latest = context.session.scalars(_LATEST, asked).first()
        memo.keep(context.session, key, latest)
    return latest


def _mine(context: Context) -> tuple[Any, Any]:
    return TaskDefinitionRow.account == context.account, TaskDefinitionRow.region == context.region


def describe_task_definition(context: Context, request: "DescribeTaskDefinitionRequestTypeDef") -> dict[str, Any]:
    """Describe one revision; INACTIVE ones by their number only."""
    row = find_task_definition(context, request["taskDefinition"])
    if row is None:
        raise ClientException("Unable to describe task definition.")
    result: dict[str, Any] = {"taskDefinition": describe(row)}
    if "TAGS" in request.get("include", []):
        result["tags"] = row.tags
    return result


class TaskDefinitionResult(TypedDict):
    """One revision."""

    taskDefinition: dict[str, Any]


def deregister_task_definition(
    context: Context, request: "DeregisterTaskDefinitionRequestTypeDef"
) -> TaskDefinitionResult:
    """Set a revision INACTIVE; what runs goes on."""
    revision = last_part(request["taskDefinition"]).partition(":")[2]
    if not revision:
        raise ClientException("Revision is missing.")
    if not revision.isdigit():
        raise InvalidParameterException(f"Invalid revision number. Number: {revision}")
    row = find_task_definition(context, request["taskDefinition"])
    if row is None or row.status == "DELETE_IN_PROGRESS":
        raise ClientException(_MISSING)
    if row.status == "ACTIVE":
        row.status, row.deregistered_at = "INACTIVE", context.now
        context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
    return {"taskDefinition": describe(row)}


class DeleteTaskDefinitionsResult(TypedDict):
    """What is being deleted, and what cannot be."""

    taskDefinitions: list[dict[str, Any]]
    failures: list[dict[str, str]]


def delete_task_definitions(
    context: Context, request: "DeleteTaskDefinitionsRequestTypeDef"
) -> DeleteTaskDefinitionsResult:
    """Delete INACTIVE revisions."""
    names = request["taskDefinitions"]
    if not names:
        raise ClientException("size of TaskDefinition references list must be greater than 0")
    if len(names) > 10:
        raise ClientException("Size of TaskDefinition references list cannot exceed 10")
    _forget_deleted(context)
    result: DeleteTaskDefinitionsResult = {"taskDefinitions": [], "failures": []}
    for name in names:
        row = find_task_definition(context, name) if ":" in last_part(name) else None
        if row is None:
            result["failures"].append({"arn": name, "reason": _MISSING})
        elif row.status == "ACTIVE":
            reason = (
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
            )
            result["failures"].append({"arn": row.arn, "reason": reason})  # (unconfirmed) text
        else:
            row.status = "DELETE_IN_PROGRESS"
            row.delete_requested_at = row.delete_requested_at or context.now
            context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
            result["taskDefinitions"].append(describe(row))
    return result


def _forget_deleted(context: Context) -> None:
    """Remove revisions whose deletion is long past and that nothing refers to any more."""
    arn = TaskDefinitionRow.arn
    unused = select(TaskDefinitionRow).where(
        *_mine(context),
        TaskDefinitionRow.status == "DELETE_IN_PROGRESS",
        TaskDefinitionRow.delete_requested_at < context.now - _DELETION_TAKES,
        ~exists().where(TaskRow.task_definition_arn == arn, TaskRow.last_status != "STOPPED"),
        ~exists().where(ServiceRow.task_definition_arn == arn, ServiceRow.status != "INACTIVE"),
    )
    for row in context.session.scalars(unused).all():
        context.session.delete(row)
        context.record(Kind.STATE_CHANGE, row.arn, {"status": "DELETED"})
    context.session.flush()


class ListTaskDefinitionsResult(TypedDict):
    """A page of ARNs."""

    taskDefinitionArns: list[str]
    nextToken: NotRequired[str]


def list_task_definitions(context: Context, request: "ListTaskDefinitionsRequestTypeDef") -> ListTaskDefinitionsResult:
    """A page of ARNs, by family, then by number."""
    size = page_size(request.get("maxResults"))
    descending = request.get("sort", "ASC") == "DESC"
    statement = select(TaskDefinitionRow.family, TaskDefinitionRow.revision, TaskDefinitionRow.arn).where(
        *_mine(context), TaskDefinitionRow.status == request.get("status", "ACTIVE")
    )
    if "familyPrefix" in request:
        statement = statement.where(TaskDefinitionRow.family == request["familyPrefix"])
    after = start_after(request.get("nextToken"))
    if after:
        family, number = _position(after)
        same = TaskDefinitionRow.family == family
        statement = statement.where(
            (TaskDefinitionRow.family < family) | (same & (TaskDefinitionRow.revision < number))
            if descending
            else (TaskDefinitionRow.family > family) | (same & (TaskDefinitionRow.revision > number))
        )
    columns = (TaskDefinitionRow.family, TaskDefinitionRow.revision)
    statement = statement.order_by(*(column.desc() if descending else column for column in columns))
    rows = context.session.execute(statement.limit(size + 1)).all()
    _, more = cut([f"{family}:{revision}" for family, revision, _ in rows], size)
    result: ListTaskDefinitionsResult = {"taskDefinitionArns": [arn for _, _, arn in rows[:size]]}
    if more:
        result["nextToken"] = more["nextToken"]
    return result


class ListTaskDefinitionFamiliesResult(TypedDict):
    """A page of names."""

    families: list[str]
    nextToken: NotRequired[str]


def _position(after: str) -> tuple[str, int]:
    family, _, revision = after.rpartition(":")
    try:
        return family, int(revision)
    except ValueError:  # the token is of another list
        raise InvalidParameterException("Invalid token.") from None  # (unconfirmed) text


def list_task_definition_families(
    context: Context, request: "ListTaskDefinitionFamiliesRequestTypeDef"
) -> ListTaskDefinitionFamiliesResult:
    """A page of family names; a family without an ACTIVE revision is INACTIVE."""
    size = page_size(request.get("maxResults"))
    status = request.get("status", "ACTIVE")
    prefix = request.get("familyPrefix", "")
    revisions = exists().where(*_mine(context), TaskDefinitionRow.family == FamilyRow.family)
    active = revisions.where(TaskDefinitionRow.status == "ACTIVE")
    statement = select(FamilyRow.family).where(
        FamilyRow.account == context.account,
        FamilyRow.region == context.region,
        func.substr(FamilyRow.family, 1, len(prefix)) == prefix,  # LIKE knows no case on SQLite
        FamilyRow.family > start_after(request.get("nextToken")),
        revisions,
    )
    if status != "ALL":
        statement = statement.where(active if status == "ACTIVE" else ~active)
    families = context.session.scalars(statement.order_by(FamilyRow.family).limit(size + 1)).all()
    shown, more = cut(families, size)
    result: ListTaskDefinitionFamiliesResult = {"families": shown}
    if more:
        result["nextToken"] = more["nextToken"]
    return result
