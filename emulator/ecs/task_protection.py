"""Task protection: for how long neither scaling in nor a deployment may stop a task of a service."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import exists, select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.names import is_daemon
from emulator.ecs.task_states import touched
from emulator.ecs.tasks import task_arn_of
from emulator.state.ecs import ClusterRow, DeploymentRow, TaskRow
from emulator.state.store import rows_by_key

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import GetTaskProtectionRequestTypeDef, UpdateTaskProtectionRequestTypeDef

_DEFAULT_MINUTES, _MOST_MINUTES = 120, 2880
_MOST_READ, _MOST_CHANGED = 100, 10


class ProtectionResult(TypedDict):
    """Tasks of services, and what is not one."""

    protectedTasks: list[dict[str, Any]]
    failures: list[dict[str, str]]


def get_task_protection(context: Context, request: "GetTaskProtectionRequestTypeDef") -> ProtectionResult:
    """Which of up to 100 tasks are protected."""
    cluster = find_cluster(context, request["cluster"])
    rows, failures = _tasks(context, cluster, request.get("tasks", []), _MOST_READ)
    return {"protectedTasks": [_describe(context, row) for row in rows], "failures": failures}


def update_task_protection(context: Context, request: "UpdateTaskProtectionRequestTypeDef") -> ProtectionResult:
    """Protect up to 10 tasks, for two hours unless told otherwise, or no longer."""
    cluster = find_cluster(context, request["cluster"])
    minutes = request.get("expiresInMinutes", _DEFAULT_MINUTES)
    if not 1 <= minutes <= _MOST_MINUTES:
        # (unconfirmed) text
        raise InvalidParameterException(f"expiresInMinutes must be between 1 and {_MOST_MINUTES}.")
    rows, failures = _tasks(context, cluster, request["tasks"], _MOST_CHANGED)
    changed = []
    for row in rows:
        if request["protectionEnabled"] and _holds_up(context, row):
            failures.append({"arn": row.arn, "reason": "DEPLOYMENT_BLOCKED"})
            continue
        row.protected_until = context.now + timedelta(minutes=minutes) if request["protectionEnabled"] else None
        touched(context, row)
        changed.append(_describe(context, row))
    return {"protectedTasks": changed, "failures": failures}


def _tasks(
    context: Context, cluster: ClusterRow, names: Sequence[str], most: int
) -> tuple[list[TaskRow], list[dict[str, str]]]:
    """The tasks of services among those named, and why the others are none."""
    if not names:
        raise InvalidParameterException("Tasks cannot be empty.")
    if len(names) > most:
        raise InvalidParameterException(f"Tasks cannot have more than {most} elements.")  # (unconfirmed) text
    arns = list(dict.fromkeys(task_arn_of(context, cluster, name) for name in names))
    found = {arn: row for arn, row in rows_by_key(context.session, TaskRow, arns).items() if _lives(row, cluster)}
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found]
    failures += [
        {"arn": arn, "reason": "TASK_NOT_VALID"} for arn in arns if arn in found and not _of_service(found[arn])
    ]
    return [found[arn] for arn in arns if arn in found and _of_service(found[arn])], failures


def _of_service(row: TaskRow) -> bool:
    return row.service_arn is not None and not is_daemon(row.service_arn)


def _lives(row: TaskRow, cluster: ClusterRow) -> bool:
    return row.cluster_arn == cluster.arn and row.last_status != "STOPPED"


def _holds_up(context: Context, row: TaskRow) -> bool:
    """Whether protected tasks of older deployments keep the service's deployment from being done."""
    blocked = exists().where(
        TaskRow.service_arn == row.service_arn,
        TaskRow.last_status != "STOPPED",
        TaskRow.protected_until > context.now,
        TaskRow.deployment_id == DeploymentRow.id,
        DeploymentRow.status == "ACTIVE",
    )
    return bool(context.session.scalar(select(blocked)))


def _describe(context: Context, row: TaskRow) -> dict[str, Any]:
    until = row.protected_until
    if until is None or until <= context.now:
        return {"taskArn": row.arn, "protectionEnabled": False}
    return {"taskArn": row.arn, "protectionEnabled": True, "expirationDate": until}
