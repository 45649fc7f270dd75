"""What images make of a layer: whether it can be pulled, and what kind of layer it is."""

from typing import Literal, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import undefer

from emulator.context import Context
from emulator.ecr.manifests import parse_manifest
from emulator.ecr.storage_classes import status_of
from emulator.state.ecr import ImageReferenceRow, ImageRow, RepositoryRow


class Use(NamedTuple):
    """How a layer is used."""

    status: Literal["AVAILABLE", "ARCHIVED"] | None
    """None: by no image. ARCHIVED: by archived images only."""
    media_type: str | None
    """What the image calls it."""


def availability(context: Context, repository: RepositoryRow, digest: str) -> Use:
    """The use of a layer that the repository has."""
    query = (
        select(ImageRow)
        .join(
            ImageReferenceRow,
            and_(
                ImageReferenceRow.repository_arn == ImageRow.repository_arn,
                ImageReferenceRow.digest == ImageRow.digest,
            ),
        )
        .where(
            ImageReferenceRow.repository_arn == repository.arn,
            ImageReferenceRow.target == digest,
            ImageReferenceRow.kind == "blob",
        )
        .order_by(ImageRow.archived_at.is_not(None), ImageRow.digest)
        .options(undefer(ImageRow.manifest))
    )
    found: ImageRow | None = None
    for image in context.session.scalars(query):
        found = found or image
        if status_of(image, context.now) == "ACTIVE":
            return Use("AVAILABLE", _type(image, digest))
    return Use("ARCHIVED", _type(found, digest)) if found is not None else Use(None, None)


def _type(image: ImageRow, digest: str) -> str | None:
    return parse_manifest(image.manifest, image.media_type).types.get(digest)
