"""BatchDeleteImage. An image goes with its last tag; one that an index names stays until the index goes.

Layers stay linked to the repository: a push under way may count on them. `sweep` unlinks those that no image needs.
"""

from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import delete, select

from emulator.context import Context
from emulator.ecr.image_events import record_image_action
from emulator.ecr.image_ids import Failure, resolve
from emulator.ecr.image_lists import image_id, tags_of
from emulator.ecr.repositories import find_repository
from emulator.state.ecr import ImageReferenceRow, ImageRow, ImageTagRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        BatchDeleteImageRequestTypeDef,
        ImageFailureTypeDef,
        ImageIdentifierTypeDef,
    )


class BatchDeleteImageResult(TypedDict):
    """What was removed: one entry for each tag, or one for an untagged digest."""

    imageIds: "list[ImageIdentifierTypeDef]"
    failures: "list[ImageFailureTypeDef]"


def batch_delete_image(context: Context, request: "BatchDeleteImageRequestTypeDef") -> BatchDeleteImageResult:
    """BatchDeleteImage, in the order given."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    result: BatchDeleteImageResult = {"imageIds": [], "failures": []}
    for wanted in request["imageIds"]:
        removed = delete_image(context, repository, wanted)
        if isinstance(removed, Failure):
            result["failures"].append(removed.describe(wanted))
        else:
            result["imageIds"].extend(removed)
    return result


def delete_image(
    context: Context, repository: RepositoryRow, wanted: "ImageIdentifierTypeDef"
) -> "list[ImageIdentifierTypeDef] | Failure":
    """Remove a tag, or a digest with all of its tags."""
    image = resolve(context, repository, wanted)
    if isinstance(image, Failure):
        return image
    tags = tags_of(context, repository, [image.digest]).get(image.digest, [])
    removed = [wanted["imageTag"]] if "imageTag" in wanted else tags
    if len(removed) == len(tags):
        if parents := _indexes_of(context, repository, image.digest):
            return Failure(
                "ImageReferencedByManifestList",
                f"Requested image referenced by manifest list: [{', '.join(parents)}]",
            )
        _remove(context, image)
    for tag in removed:
        context.session.delete(context.session.get_one(ImageTagRow, (repository.arn, tag)))
    context.session.flush()
    for tag in removed or [""]:
        record_image_action(context, repository, "DELETE", image.digest, tag)
    return [image_id(image.digest, tag) for tag in removed] or [image_id(image.digest, None)]


def _indexes_of(context: Context, repository: RepositoryRow, digest: str) -> list[str]:
    query = select(ImageReferenceRow.digest).where(
        ImageReferenceRow.repository_arn == repository.arn,
        ImageReferenceRow.target == digest,
        ImageReferenceRow.kind == "manifest",
    )
    return sorted(context.session.scalars(query))


def _remove(context: Context, image: ImageRow) -> None:
    context.session.execute(
        delete(ImageReferenceRow).where(
            ImageReferenceRow.repository_arn == image.repository_arn, ImageReferenceRow.digest == image.digest
        )
    )
    context.session.delete(image)
