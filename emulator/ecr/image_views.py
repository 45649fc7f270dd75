"""Repositories and images as people look at them (`ashore ecr`): sizes, layers and who else has them, what refers to them."""

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecr.image_ids import Failure, resolve
from emulator.ecr.image_lists import tags_of
from emulator.ecr.manifests import parse_manifest
from emulator.ecr.referrers import Wanted, referrers_of
from emulator.ecr.storage_classes import status_of
from emulator.state.ecr import ImageReferenceRow, ImageRow, ImageTagRow, LayerRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef

_MOST_REFERRERS = 1000


def repository_views(context: Context) -> list[dict[str, Any]]:
    """The repositories of the registry by name: how many images and tags, and what their layers take on the disk."""
    rows = context.session.scalars(
        select(RepositoryRow)
        .where(RepositoryRow.account == context.account, RepositoryRow.region == context.region)
        .order_by(RepositoryRow.name)
    )
    return [_repository(context, row) for row in rows]


def image_view(context: Context, repository: RepositoryRow, wanted: "ImageIdentifierTypeDef") -> dict[str, Any] | None:
    """One image; None where there is none."""
    image = resolve(context, repository, wanted)
    if isinstance(image, Failure):
        return None
    manifest = parse_manifest(image.manifest, image.media_type)
    referrers, _ = referrers_of(context, repository, image.digest, Wanted(status="ANY", limit=_MOST_REFERRERS))
    return {
        "repository": repository.name,
        "digest": image.digest,
        "tags": tags_of(context, repository, [image.digest]).get(image.digest, []),
        "mediaType": image.media_type,
        "artifactType": image.artifact_media_type,
        "status": status_of(image, context.now),
        "sizeBytes": image.size_bytes,
        "pushedAt": image.pushed_at.isoformat(),
        "pulledAt": image.pulled_at.isoformat() if image.pulled_at else None,
        "subject": image.subject_digest,
        "layers": [
            _layer(context, digest, size, manifest.types.get(digest)) for digest, size in manifest.blobs.items()
        ],
        "images": _children(image.manifest),
        "referrers": [{"digest": item.digest, "artifactType": item.artifact_type} for item in referrers],
    }


def _repository(context: Context, row: RepositoryRow) -> dict[str, Any]:
    def count(table: type[ImageRow] | type[ImageTagRow]) -> int:
        query = select(func.count()).select_from(table).where(table.repository_arn == row.arn)
        return context.session.scalar(query) or 0

    size = select(func.sum(LayerRow.size_bytes)).where(LayerRow.repository_arn == row.arn)
    newest = select(func.max(ImageRow.pushed_at)).where(ImageRow.repository_arn == row.arn)
    pushed_at = context.session.scalar(newest)
    return {
        "name": row.name,
        "uri": f"localhost:{context.emulator.port}/{row.name}",
        "images": count(ImageRow),
        "tags": count(ImageTagRow),
        "sizeBytes": context.session.scalar(size) or 0,
        "mutability": row.tag_mutability,
        "pushedAt": pushed_at.isoformat() if pushed_at else None,
    }


def _layer(context: Context, digest: str, size: int, media_type: str | None) -> dict[str, Any]:
    users = select(func.count(func.distinct(ImageReferenceRow.repository_arn + ImageReferenceRow.digest))).where(
        ImageReferenceRow.target == digest, ImageReferenceRow.kind == "blob"
    )
    return {
        "digest": digest,
        "sizeBytes": size,
        "mediaType": media_type,
        "images": context.session.scalar(users) or 0,
    }


def _children(content: bytes) -> list[dict[str, Any]]:
    """The manifests that an index names, with their platforms."""
    result = []
    for item in json.loads(content).get("manifests", ()):
        platform = item.get("platform") or {}
        names = [platform.get(member) for member in ("os", "architecture", "variant")]
        result.append({"digest": item["digest"], "platform": "/".join(name for name in names if name)})
    return result
