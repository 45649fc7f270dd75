"""Task sets: create, update, delete, describe, choose the primary one. `external.py` carries out what they ask for."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import (
    InvalidParameterException,
    LimitExceededException,
    TaskSetNotFoundException,
    UnsupportedFeatureException,
)
from emulator.ecs.names import last_part
from emulator.ecs.service_documents import count_tasks, describe_task_set, task_sets_of
from emulator.ecs.service_rules import refuse_unsupported
from emulator.ecs.services import active_service
from emulator.ecs.task_set_changes import add_task_set, changed, drain_task_set, make_primary
from emulator.state.ecs import ServiceRow, TaskSetRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateTaskSetRequestTypeDef,
        DeleteTaskSetRequestTypeDef,
        DescribeTaskSetsRequestTypeDef,
        ScaleTypeDef,
        UpdateServicePrimaryTaskSetRequestTypeDef,
        UpdateTaskSetRequestTypeDef,
    )

_MOST = 5


class TaskSetResult(TypedDict):
    """One task set."""

    taskSet: dict[str, Any]


def create_task_set(context: Context, request: "CreateTaskSetRequestTypeDef") -> TaskSetResult:
    """Add a task set to a service with the EXTERNAL controller; it runs its share of the desired count."""
    cluster = find_cluster(context, request["cluster"])
    service = _external(context, request["cluster"], request["service"])
    token = request.get("clientToken")
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
    earlier = None if token is None else _made_under(context, service, token, digest)
    if earlier is not None:
        return _result(context, earlier, service)
    count = select(func.count()).where(TaskSetRow.service_arn == service.arn, TaskSetRow.status != "DRAINING")
    if (context.session.scalar(count) or 0) >= _MOST:
        raise LimitExceededException(f"A service can have at most {_MOST} task sets.")  # (unconfirmed) text
    refuse_unsupported(context, request)
    if request.get("serviceRegistries"):
        raise UnsupportedFeatureException("Not emulated: serviceRegistries of task sets.")
    made_by = None if token is None else f"{token} {digest}"
    row = add_task_set(context, cluster, service, request, _percent(request.get("scale")), made_by)
    return _result(context, row, service)


def _made_under(context: Context, service: ServiceRow, token: str, digest: str) -> TaskSetRow | None:
    """What an earlier request with the same token made.

    Raises:
        InvalidParameterException: it was another request.

    """
    for row in task_sets_of(context, service.arn):
        known, _, made_by = (row.client_token or "").partition(" ")
        if known == token:
            if made_by != digest:
                # (unconfirmed) text
                raise InvalidParameterException("The client token was used with other parameters.")
            return row
    return None


def _percent(scale: "ScaleTypeDef | None") -> float:
    """100 percent unless told otherwise (unconfirmed)."""
    value = 100.0 if scale is None else scale.get("value", 100.0)
    if not 0 <= value <= 100:
        raise InvalidParameterException("The value of scale must be between 0 and 100.")  # (unconfirmed) text
    return value


def update_task_set(context: Context, request: "UpdateTaskSetRequestTypeDef") -> TaskSetResult:
    """Give a task set another share."""
    service = _external(context, request["cluster"], request["service"])
    row = _find(context, service, request["taskSet"])
    row.scale = _percent(request["scale"])
    changed(context, row, service)
    return _result(context, row, service)


def delete_task_set(context: Context, request: "DeleteTaskSetRequestTypeDef") -> TaskSetResult:
    """Drain a task set; one that is scaled above 0 only by force."""
    service = _external(context, request["cluster"], request["service"])
    row = _find(context, service, request["taskSet"])
    if row.scale > 0 and not request.get("force", False):
        # (unconfirmed) text
        raise InvalidParameterException("The task set cannot be deleted while it is scaled above 0.")
    drain_task_set(context, service, row)
    return _result(context, row, service)


def update_service_primary_task_set(
    context: Context, request: "UpdateServicePrimaryTaskSetRequestTypeDef"
) -> TaskSetResult:
    """Make a task set the one that serves production; the service shows its task definition from then on."""
    service = _external(context, request["cluster"], request["service"])
    row = _find(context, service, request["primaryTaskSet"])
    if row.status == "DRAINING":
        raise InvalidParameterException("A task set that is draining cannot be the primary one.")  # (unconfirmed) text
    make_primary(context, service, row)
    return _result(context, row, service)


class DescribeTaskSetsResult(TypedDict):
    """Task sets, and what is not one."""

    taskSets: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_task_sets(context: Context, request: "DescribeTaskSetsRequestTypeDef") -> DescribeTaskSetsResult:
    """The task sets named, or all."""
    service = active_service(context, find_cluster(context, request["cluster"]), request["service"])
    rows = {last_part(row.id): row for row in task_sets_of(context, service.arn)}
    names = [last_part(name) for name in request.get("taskSets", [])] or list(rows)
    counts, tags = count_tasks(context, [service.arn]), "TAGS" in request.get("include", [])
    prefix = f"{service.arn.replace(':service/', ':task-set/', 1)}/ecs-svc"
    return {
        "taskSets": [describe_task_set(rows[name], service, counts, tags=tags) for name in names if name in rows],
        "failures": [{"arn": f"{prefix}/{name}", "reason": "MISSING"} for name in names if name not in rows],
    }


def _external(context: Context, cluster: str, name: str) -> ServiceRow:
    service = active_service(context, find_cluster(context, cluster), name)
    if service.body["deploymentController"]["type"] != "EXTERNAL":
        # (unconfirmed) text
        raise InvalidParameterException(
            "Task sets can only be managed on services with an EXTERNAL deployment controller."
        )
    return service


def _find(context: Context, service: ServiceRow, identifier: str) -> TaskSetRow:
    row = context.session.get(TaskSetRow, f"ecs-svc/{last_part(identifier)}")
    if row is None or row.service_arn != service.arn:
        raise TaskSetNotFoundException
    return row


def _result(context: Context, row: TaskSetRow, service: ServiceRow) -> TaskSetResult:
    return {"taskSet": describe_task_set(row, service, count_tasks(context, [service.arn]), tags=bool(row.tags))}
