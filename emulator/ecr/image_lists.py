"""ListImages (one entry a tag) and DescribeImages (one entry a digest), page by page straight from the indexes."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict

from sqlalchemy import ColumnElement, exists, func, select, tuple_

from emulator.context import Context
from emulator.ecr.errors import invalid
from emulator.ecr.image_ids import find_image
from emulator.ecr.pages import MAX_PAGE, page_start, refused_token
from emulator.ecr.repositories import find_repository
from emulator.ecr.scan_details import scan_details
from emulator.ecr.storage_classes import has_status, status_of
from emulator.pagination import encode_token
from emulator.state.ecr import ImageRow, ImageTagRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DescribeImagesFilterTypeDef,
        DescribeImagesRequestTypeDef,
        ImageDetailTypeDef,
        ImageIdentifierTypeDef,
        ListImagesFilterTypeDef,
        ListImagesRequestTypeDef,
    )


class ListImagesResult(TypedDict):
    """A page of image ids."""

    imageIds: "list[ImageIdentifierTypeDef]"
    nextToken: NotRequired[str]


class DescribeImagesResult(TypedDict):
    """A page of images."""

    imageDetails: "list[ImageDetailTypeDef]"
    nextToken: NotRequired[str]


def list_images(context: Context, request: "ListImagesRequestTypeDef") -> ListImagesResult:
    """ListImages, ordered by digest and tag."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    size = request.get("maxResults", MAX_PAGE)
    same = (ImageTagRow.repository_arn == ImageRow.repository_arn) & (ImageTagRow.digest == ImageRow.digest)
    tag = func.coalesce(ImageTagRow.tag, "")
    query = (
        select(ImageRow.digest, ImageTagRow.tag)
        .outerjoin(ImageTagRow, same)
        .where(ImageRow.repository_arn == repository.arn, *_conditions(context, request.get("filter", {})))
    )
    if (start := page_start(request.get("nextToken"))) is not None:
        digest, separator, last_tag = start.partition(" ")
        if not separator:
            raise refused_token()
        query = query.where(tuple_(ImageRow.digest, tag) > (digest, last_tag))
    rows = context.session.execute(query.order_by(ImageRow.digest, tag).limit(size + 1)).all()
    result: ListImagesResult = {"imageIds": [image_id(digest, name) for digest, name in rows[:size]]}
    if len(rows) > size:
        digest, name = rows[size - 1]
        result["nextToken"] = encode_token(f"{digest} {name or ''}")
    return result


def describe_images(context: Context, request: "DescribeImagesRequestTypeDef") -> DescribeImagesResult:
    """DescribeImages: those asked for, each once, or a page of all by digest."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    if ids := request.get("imageIds"):
        if "nextToken" in request or "maxResults" in request:
            raise invalid("imageIds", "must not be given together with nextToken or maxResults")  # (unconfirmed)
        return {"imageDetails": _details(context, repository, _wanted(context, repository, ids))}
    size = request.get("maxResults", MAX_PAGE)
    query = select(ImageRow).where(
        ImageRow.repository_arn == repository.arn,
        ImageRow.digest > (page_start(request.get("nextToken")) or ""),
        *_conditions(context, request.get("filter", {})),
    )
    rows = context.session.scalars(query.order_by(ImageRow.digest).limit(size + 1)).all()
    result: DescribeImagesResult = {"imageDetails": _details(context, repository, rows[:size])}
    if len(rows) > size:
        result["nextToken"] = encode_token(rows[size - 1].digest)
    return result


def image_id(digest: str, tag: str | None) -> "ImageIdentifierTypeDef":
    """An image id; untagged images have a digest only."""
    return {"imageDigest": digest, "imageTag": tag} if tag else {"imageDigest": digest}


def tags_of(context: Context, repository: RepositoryRow, digests: Iterable[str]) -> dict[str, list[str]]:
    """The tags of each digest that has any, sorted."""
    query = select(ImageTagRow).where(
        ImageTagRow.repository_arn == repository.arn, ImageTagRow.digest.in_(list(digests))
    )
    result: dict[str, list[str]] = {}
    for row in context.session.scalars(query):
        result.setdefault(row.digest, []).append(row.tag)
    for tags in result.values():  # not by the database, which would read all tags of the repository in that order
        tags.sort()
    return result


def _wanted(context: Context, repository: RepositoryRow, ids: "Sequence[ImageIdentifierTypeDef]") -> list[ImageRow]:
    found: dict[str, ImageRow] = {}
    for wanted in ids:
        image = find_image(context, repository, wanted)
        found[image.digest] = image
    return list(found.values())


def _conditions(
    context: Context, wanted: "ListImagesFilterTypeDef | DescribeImagesFilterTypeDef"
) -> list[ColumnElement[bool]]:
    result = [has_status(wanted.get("imageStatus", "ACTIVE"), context.now)]
    same = (ImageTagRow.repository_arn == ImageRow.repository_arn, ImageTagRow.digest == ImageRow.digest)
    tagged = exists().where(*same).correlate(ImageRow)
    match wanted.get("tagStatus", "ANY"):
        case "TAGGED":
            result.append(tagged)
        case "UNTAGGED":
            result.append(~tagged)
        case _:
            pass
    return result


def _details(context: Context, repository: RepositoryRow, images: Sequence[ImageRow]) -> "list[ImageDetailTypeDef]":
    digests = [image.digest for image in images]
    tags, scans = tags_of(context, repository, digests), scan_details(context, repository, digests)
    return [
        _detail(context, repository, image, tags.get(image.digest)) | scans.get(image.digest, {}) for image in images
    ]


def _detail(
    context: Context, repository: RepositoryRow, image: ImageRow, tags: list[str] | None
) -> "ImageDetailTypeDef":
    result: ImageDetailTypeDef = {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageSizeInBytes": image.size_bytes,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type,
        "imageStatus": status_of(image, context.now),
    }
    if tags:
        result["imageTags"] = tags
    if image.artifact_media_type:
        result["artifactMediaType"] = image.artifact_media_type
    if image.subject_digest:
        result["subjectManifestDigest"] = image.subject_digest
    if image.pulled_at:
        result["lastRecordedPullTime"] = image.pulled_at
    if image.archived_at:
        result["lastArchivedAt"] = image.archived_at
    if image.activated_at and image.activated_at <= context.now:
        result["lastActivatedAt"] = image.activated_at
    return result
