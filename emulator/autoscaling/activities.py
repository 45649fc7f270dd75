"""Scaling activities: what was done, why, and what came of it (DescribeScalingActivities), in AWS's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.pagination import decode_token, encode_token
from emulator.state.capacity import ScalingActivityRow
from emulator.state.ecs import ServiceRow
from scheduler.reconcile.target_tracking import Decision

_NAMESPACE, _DIMENSION = "ecs", "ecs:service:DesiredCount"
_PAGE = 50
_BOUND = {"AlreadyAtMaxCapacity": "MaxCapacity", "AlreadyAtMinCapacity": "MinCapacity"}


class ActivitiesResult(TypedDict, total=False):
    """A page of activities, newest first."""

    ScalingActivities: list[dict[str, Any]]
    NextToken: str


@dataclass(frozen=True, slots=True)
class _What:
    """What is told of an activity."""

    description: str
    cause: str
    status: str
    message: str = ""
    wanted: int | None = None
    reasons: tuple[dict[str, Any], ...] = ()


def changed(context: Context, resource: str, desired: int, cause: str) -> None:
    """A new desired count has been asked of ECS."""
    waiting = f"Successfully set desired count to {desired}. Waiting for change to be fulfilled by ecs."
    _add(context, resource, _What(f"Setting desired count to {desired}.", cause, "InProgress", waiting, desired))


def bounded(context: Context, resource: str, minimum: int | None, maximum: int | None, cause: str) -> None:
    """A scheduled action has set the target's bounds."""
    parts = [f"{name} capacity to {value}" for name, value in (("min", minimum), ("max", maximum)) if value is not None]
    text = " and ".join(parts)
    _add(context, resource, _What(f"Setting {text}", cause, "Successful", f"Successfully set {text}"))


def not_scaled(context: Context, resource: str, found: Decision, cause: str) -> None:
    """An alarm asked in vain; told once for as long as the same holds."""
    reasons = [{"Code": code, _BOUND.get(code, "CurrentCapacity"): bound} for code, bound in found.not_scaled]
    latest = context.session.scalar(
        select(ScalingActivityRow)
        .where(ScalingActivityRow.resource == resource, *_here(context))
        .order_by(ScalingActivityRow.started_at.desc(), ScalingActivityRow.id)
    )
    if latest is not None and (latest.cause, latest.not_scaled) == (cause, reasons):
        return
    description = "Attempting to scale due to alarm triggered"
    _add(context, resource, _What(description, cause, "Unfulfilled", reasons=tuple(reasons)))


def _add(context: Context, resource: str, what: _What) -> None:
    row = ScalingActivityRow(
        id=context.emulator.ids.uuid(),
        account=context.account,
        region=context.region,
        resource=resource,
        wanted=what.wanted,
        status=what.status,
        description=what.description,
        cause=what.cause,
        message=what.message,
        not_scaled=list(what.reasons),
        started_at=context.now,
        ended_at=None if what.status == "InProgress" else context.now,
    )
    context.session.add(row)
    context.session.flush()


def fulfil(context: Context, resource: str, service: ServiceRow, running: int) -> None:
    """What is in progress is done once as many tasks run, or overridden where another count was set meanwhile."""
    rows = context.session.scalars(
        select(ScalingActivityRow)
        .where(ScalingActivityRow.resource == resource, ScalingActivityRow.status == "InProgress", *_here(context))
        .order_by(ScalingActivityRow.started_at)
    )
    for row in rows:
        if row.wanted != service.desired_count:
            row.status, row.ended_at = "Overridden", context.now
            row.message = (
                f"Successfully set desired count to {row.wanted}. Change was overridden."  # (unconfirmed) text
            )
        elif running == row.wanted:
            row.status, row.ended_at = "Successful", context.now
            row.message = f"Successfully set desired count to {row.wanted}. Change successfully fulfilled by ecs."


def _here(context: Context) -> tuple[Any, Any]:
    return ScalingActivityRow.account == context.account, ScalingActivityRow.region == context.region


def describe_scaling_activities(context: Context, request: Mapping[str, Any]) -> ActivitiesResult:
    """A page of activities; those that scaled nothing only where they are asked for."""
    statement = select(ScalingActivityRow).where(*_here(context))
    if request["ServiceNamespace"] != _NAMESPACE or request.get("ScalableDimension", _DIMENSION) != _DIMENSION:
        return {"ScalingActivities": []}
    if "ResourceId" in request:
        statement = statement.where(ScalingActivityRow.resource == request["ResourceId"])
    if not request.get("IncludeNotScaledActivities"):
        statement = statement.where(ScalingActivityRow.status != "Unfulfilled")
    size = min(request.get("MaxResults") or _PAGE, _PAGE)
    skipped = int(decode_token(request.get("NextToken")) or 0)
    order = ScalingActivityRow.started_at.desc(), ScalingActivityRow.id
    rows = context.session.scalars(statement.order_by(*order).offset(skipped).limit(size + 1)).all()
    result: ActivitiesResult = {"ScalingActivities": [_describe(row) for row in rows[:size]]}
    if len(rows) > size:
        result["NextToken"] = encode_token(str(skipped + size))
    return result


def _describe(row: ScalingActivityRow) -> dict[str, Any]:
    document: dict[str, Any] = {
        "ActivityId": row.id,
        "ServiceNamespace": _NAMESPACE,
        "ResourceId": row.resource,
        "ScalableDimension": _DIMENSION,
        "Description": row.description,
        "Cause": row.cause,
        "StartTime": row.started_at,
        "StatusCode": row.status,
        "StatusMessage": row.message,
    }
    if row.ended_at is not None:
        document["EndTime"] = row.ended_at
    if row.not_scaled:
        document["NotScaledReasons"] = row.not_scaled
    return document
