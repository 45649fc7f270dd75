"""Principals whose pulls do not count as the last pull of an image."""

from datetime import datetime
from typing import TYPE_CHECKING, NotRequired, TypedDict

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecr.errors import (
    ExclusionAlreadyExistsException,
    ExclusionNotFoundException,
    LimitExceededException,
)
from emulator.ecr.pages import MAX_PAGE, page_start
from emulator.pagination import encode_token
from emulator.state.ecr_registry import PullTimeExclusionRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DeregisterPullTimeUpdateExclusionRequestTypeDef,
        ListPullTimeUpdateExclusionsRequestTypeDef,
        RegisterPullTimeUpdateExclusionRequestTypeDef,
    )

_MOST = 100
"""The model's longest list (the quota itself is unconfirmed)."""


class DeregisterResult(TypedDict):
    """Who is counted again."""

    principalArn: str


class RegisterResult(DeregisterResult):
    """Who is no longer counted, and since when."""

    createdAt: datetime


class ListResult(TypedDict):
    """A page of principals."""

    pullTimeUpdateExclusions: list[str]
    nextToken: NotRequired[str]


def register_pull_time_update_exclusion(
    context: Context, request: "RegisterPullTimeUpdateExclusionRequestTypeDef"
) -> RegisterResult:
    """RegisterPullTimeUpdateExclusion."""
    principal = request["principalArn"]
    if _find(context, principal) is not None:
        raise ExclusionAlreadyExistsException(principal, context.account)
    here = (PullTimeExclusionRow.account == context.account, PullTimeExclusionRow.region == context.region)
    if (context.session.scalar(select(func.count()).select_from(PullTimeExclusionRow).where(*here)) or 0) >= _MOST:
        raise LimitExceededException(f"A registry has at most {_MOST} pull time update exclusions.")  # (unconfirmed)
    row = PullTimeExclusionRow(
        account=context.account, region=context.region, principal_arn=principal, created_at=context.now
    )
    context.session.add(row)
    return {"principalArn": principal, "createdAt": row.created_at}


def deregister_pull_time_update_exclusion(
    context: Context, request: "DeregisterPullTimeUpdateExclusionRequestTypeDef"
) -> DeregisterResult:
    """DeregisterPullTimeUpdateExclusion."""
    row = _find(context, request["principalArn"])
    if row is None:
        raise ExclusionNotFoundException(request["principalArn"], context.account)
    context.session.delete(row)
    context.session.flush()
    return {"principalArn": row.principal_arn}


def list_pull_time_update_exclusions(
    context: Context, request: "ListPullTimeUpdateExclusionsRequestTypeDef"
) -> ListResult:
    """ListPullTimeUpdateExclusions, in order."""
    size = request.get("maxResults", MAX_PAGE)
    query = select(PullTimeExclusionRow.principal_arn).where(
        PullTimeExclusionRow.account == context.account,
        PullTimeExclusionRow.region == context.region,
        PullTimeExclusionRow.principal_arn > (page_start(request.get("nextToken")) or ""),
    )
    found = list(context.session.scalars(query.order_by(PullTimeExclusionRow.principal_arn).limit(size + 1)))
    result: ListResult = {"pullTimeUpdateExclusions": found[:size]}
    if len(found) > size:
        result["nextToken"] = encode_token(found[size - 1])
    return result


def _find(context: Context, principal: str) -> PullTimeExclusionRow | None:
    return context.session.get(PullTimeExclusionRow, (context.account, context.region, principal))
