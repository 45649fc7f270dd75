"""Previews of lifecycle policies: started, worked out by the loop, shown page by page."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from emulator.context import Context
from emulator.ecr.errors import (
    LifecyclePolicyPreviewInProgressException,
    LifecyclePolicyPreviewNotFoundException,
    invalid,
)
from emulator.ecr.lifecycle_policies import check_lifecycle_policy, lifecycle_policy_of
from emulator.ecr.lifecycle_schedule import LOOP, PREVIEW
from emulator.ecr.pages import page_offset
from emulator.ecr.repositories import find_repository
from emulator.pagination import encode_token
from emulator.state.ecr_registry import LifecyclePreviewRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        GetLifecyclePolicyPreviewRequestTypeDef,
        LifecyclePolicyPreviewResultTypeDef,
        LifecyclePolicyPreviewSummaryTypeDef,
        StartLifecyclePolicyPreviewRequestTypeDef,
    )

_PAGE = 100
_KEPT = timedelta(hours=24)
"""How long a preview can be read (unconfirmed)."""


class StartLifecyclePolicyPreviewResult(TypedDict):
    """The preview under way."""

    registryId: str
    repositoryName: str
    lifecyclePolicyText: str
    status: str


class GetLifecyclePolicyPreviewResult(TypedDict):
    """A page of what the policy would do, and the sum of all."""

    registryId: str
    repositoryName: str
    lifecyclePolicyText: str
    status: str
    previewResults: "list[LifecyclePolicyPreviewResultTypeDef]"
    summary: "LifecyclePolicyPreviewSummaryTypeDef"
    nextToken: NotRequired[str]


def start_lifecycle_policy_preview(
    context: Context, request: "StartLifecyclePolicyPreviewRequestTypeDef"
) -> StartLifecyclePolicyPreviewResult:
    """StartLifecyclePolicyPreview, of the text given or of the repository's own policy."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    text = request.get("lifecyclePolicyText") or lifecycle_policy_of(context, repository).text
    check_lifecycle_policy(text)
    row = context.session.get(LifecyclePreviewRow, repository.arn)
    if row is None:
        row = LifecyclePreviewRow(repository_arn=repository.arn, text="", status="", started_at=context.now, results=[])
        context.session.add(row)
    elif row.status == "IN_PROGRESS":
        raise LifecyclePolicyPreviewInProgressException(repository.name, repository.account)
    row.text, row.status, row.started_at, row.results = text, "IN_PROGRESS", context.now, []
    context.wake(LOOP, f"{PREVIEW}{repository.arn}")
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "lifecyclePolicyText": row.text,
        "status": row.status,
    }


def get_lifecycle_policy_preview(
    context: Context, request: "GetLifecyclePolicyPreviewRequestTypeDef"
) -> GetLifecyclePolicyPreviewResult:
    """GetLifecyclePolicyPreview. Filters narrow the results; the summary counts all."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    row = context.session.get(LifecyclePreviewRow, repository.arn)
    if row is None:
        raise LifecyclePolicyPreviewNotFoundException(repository.name, repository.account)
    size = request.get("maxResults", _PAGE)
    if not 1 <= size <= _PAGE:
        raise invalid("maxResults", f"Member must have value less than or equal to {_PAGE}")
    expired = context.now - row.started_at >= _KEPT
    results = [] if expired else [item for item in row.results if _wanted(item, request)]
    start = page_offset(request.get("nextToken"))
    result: GetLifecyclePolicyPreviewResult = {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "lifecyclePolicyText": row.text,
        "status": "EXPIRED" if expired else row.status,
        "previewResults": [_shown(item) for item in results[start : start + size]],
        "summary": _summary([] if expired else row.results),
    }
    if start + size < len(results):
        result["nextToken"] = encode_token(str(start + size))
    return result


def _wanted(item: dict[str, Any], request: "GetLifecyclePolicyPreviewRequestTypeDef") -> bool:
    status = request.get("filter", {}).get("tagStatus", "ANY")
    if status != "ANY" and (status == "TAGGED") != bool(item["imageTags"]):
        return False
    ids = request.get("imageIds")
    return not ids or any(
        wanted.get("imageDigest", item["imageDigest"]) == item["imageDigest"]
        and ("imageTag" not in wanted or wanted["imageTag"] in item["imageTags"])
        for wanted in ids
    )


def _shown(item: dict[str, Any]) -> "LifecyclePolicyPreviewResultTypeDef":
    pushed = datetime.fromtimestamp(item["imagePushedAt"], UTC)
    return cast("LifecyclePolicyPreviewResultTypeDef", {**item, "imagePushedAt": pushed})


def _summary(results: list[dict[str, Any]]) -> "LifecyclePolicyPreviewSummaryTypeDef":
    counts = Counter(item["action"]["type"] for item in results)
    summary: LifecyclePolicyPreviewSummaryTypeDef = {"expiringImageTotalCount": counts["EXPIRE"]}
    if counts["TRANSITION"]:
        summary["transitioningImageTotalCounts"] = [
            {"targetStorageClass": "ARCHIVE", "imageTotalCount": counts["TRANSITION"]}
        ]
    return summary
