"""Referrers: manifests whose `subject` is another, for ListImageReferrers and for the registry's own route.

A subject need not exist: signatures may arrive before what they sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import undefer

from emulator.context import Context
from emulator.ecr.blobs import is_digest
from emulator.ecr.errors import invalid
from emulator.ecr.manifests import parse_manifest
from emulator.ecr.pages import page_start
from emulator.ecr.repositories import find_repository
from emulator.ecr.storage_classes import Status, has_status, status_of
from emulator.pagination import encode_token
from emulator.state.ecr import ImageRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageReferrerTypeDef, ListImageReferrersRequestTypeDef

_PAGE, _MOST = 20, 50


class ListImageReferrersResult(TypedDict):
    """A page of referrers."""

    referrers: "list[ImageReferrerTypeDef]"
    nextToken: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which referrers: of which kinds (all where none is named), with which status, from which digest on."""

    artifact_types: Sequence[str] = ()
    status: str = "ACTIVE"
    after: str = ""
    limit: int = _PAGE


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest with a subject, as a descriptor has it."""

    digest: str
    media_type: str
    artifact_type: str | None
    size: int
    """Bytes of the manifest."""
    annotations: dict[str, str]
    status: Status


def list_image_referrers(context: Context, request: "ListImageReferrersRequestTypeDef") -> ListImageReferrersResult:
    """ListImageReferrers, ordered by digest."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    subject, chosen = request["subjectId"]["imageDigest"], request.get("filter", {})
    if not is_digest(subject):
        raise invalid("subjectId.imageDigest", "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
    limit = request.get("maxResults", _PAGE)
    if not 1 <= limit <= _MOST:
        raise invalid("maxResults", f"Member must have value less than or equal to {_MOST}")
    wanted = Wanted(
        chosen.get("artifactTypes", ()),
        chosen.get("artifactStatus", "ACTIVE"),
        page_start(request.get("nextToken")) or "",
        limit,
    )
    found, more = referrers_of(context, repository, subject, wanted)
    result: ListImageReferrersResult = {"referrers": [_describe(referrer) for referrer in found]}
    if more:
        result["nextToken"] = encode_token(found[-1].digest)
    return result


def referrers_of(
    context: Context, repository: RepositoryRow, subject: str, wanted: Wanted
) -> tuple[list[Referrer], bool]:
    """The referrers of `subject`, ordered by digest, and whether there are more."""
    query = select(ImageRow).where(
        ImageRow.repository_arn == repository.arn,
        ImageRow.subject_digest == subject,
        ImageRow.digest > wanted.after,
        has_status(wanted.status, context.now),
    )
    if wanted.artifact_types:
        query = query.where(ImageRow.artifact_media_type.in_(wanted.artifact_types))
    query = query.options(undefer(ImageRow.manifest)).order_by(ImageRow.digest).limit(wanted.limit + 1)
    rows = context.session.scalars(query).all()
    return [_referrer(context, row) for row in rows[: wanted.limit]], len(rows) > wanted.limit


def _referrer(context: Context, row: ImageRow) -> Referrer:
    annotations = dict(parse_manifest(row.manifest, row.media_type).annotations)
    status = status_of(row, context.now)
    return Referrer(row.digest, row.media_type, row.artifact_media_type, len(row.manifest), annotations, status)


def _describe(referrer: Referrer) -> "ImageReferrerTypeDef":
    result: ImageReferrerTypeDef = {
        "digest": referrer.digest,
        "mediaType": referrer.media_type,
        "size": referrer.size,
        "artifactStatus": referrer.status,
    }
    if referrer.artifact_type:
        result["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        result["annotations"] = referrer.annotations
    return result
