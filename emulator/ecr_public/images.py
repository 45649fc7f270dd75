"""Images of public repositories, as ECR Public shows them: with fewer members than ECR's."""

from typing import Any, cast

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr import image_lists
from emulator.ecr.pages import MAX_PAGE, page_start
from emulator.ecr.repositories import find_repository
from emulator.pagination import encode_token
from emulator.state.ecr import ImageRow, ImageTagRow

_IMAGE = ("imageDigest", "imageSizeInBytes", "imagePushedAt", "imageManifestMediaType", "artifactMediaType")
_DETAIL = ("registryId", "repositoryName", "imageTags", *_IMAGE)


def describe_images(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeImages."""
    found = image_lists.describe_images(context, cast("Any", request))
    details = cast("list[dict[str, Any]]", found["imageDetails"])
    shown: dict[str, Any] = {
        "imageDetails": [{name: item[name] for name in _DETAIL if name in item} for item in details]
    }
    return {**shown, "nextToken": found["nextToken"]} if "nextToken" in found else shown


def describe_image_tags(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeImageTags, in order. A tag's `createdAt` is when its image was pushed: when it was set is not kept."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    size = request.get("maxResults", MAX_PAGE)
    query = (
        select(ImageTagRow.tag, ImageRow)
        .join(
            ImageRow, (ImageRow.repository_arn == ImageTagRow.repository_arn) & (ImageRow.digest == ImageTagRow.digest)
        )
        .where(
            ImageTagRow.repository_arn == repository.arn, ImageTagRow.tag > (page_start(request.get("nextToken")) or "")
        )
    )
    rows = context.session.execute(query.order_by(ImageTagRow.tag).limit(size + 1)).all()
    shown: dict[str, Any] = {"imageTagDetails": [_describe_tag(tag, image) for tag, image in rows[:size]]}
    return {**shown, "nextToken": encode_token(rows[size - 1][0])} if len(rows) > size else shown


def _describe_tag(tag: str, image: ImageRow) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "imageDigest": image.digest,
        "imageSizeInBytes": image.size_bytes,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type,
    }
    if image.artifact_media_type is not None:
        detail["artifactMediaType"] = image.artifact_media_type
    return {"imageTag": tag, "createdAt": image.pushed_at, "imageDetail": detail}
