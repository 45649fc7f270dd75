"""UpdateImageStorageClass: images go to the archive at once and come back a while later.

The status is never stored: it follows from when the image was archived and when its restoring ends, and the clock.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypedDict

from sqlalchemy import ColumnElement, and_, or_, select, true

from emulator.context import Context
from emulator.ecr.errors import ImageStorageClassUpdateNotSupportedException, invalid
from emulator.ecr.image_events import record_storage_change
from emulator.ecr.image_ids import find_image
from emulator.ecr.repositories import find_repository
from emulator.state.ecr import ImageReferenceRow, ImageRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef, UpdateImageStorageClassRequestTypeDef

Status = Literal["ACTIVE", "ARCHIVED", "ACTIVATING"]

RESTORING = timedelta(minutes=1)
"""AWS says up to 20 minutes."""


class UpdateImageStorageClassResult(TypedDict):
    """The image's status after the call."""

    registryId: str
    repositoryName: str
    imageId: "ImageIdentifierTypeDef"
    imageStatus: Status


def status_of(image: ImageRow, now: datetime) -> Status:
    """The image's status at an instant."""
    if image.archived_at is None:
        return "ACTIVE"
    if image.activated_at is None:
        return "ARCHIVED"
    return "ACTIVE" if image.activated_at <= now else "ACTIVATING"


def has_status(status: str, now: datetime) -> ColumnElement[bool]:
    """The condition that an image has `status`, which may be ANY, at an instant."""
    archived, activated = ImageRow.archived_at, ImageRow.activated_at
    match status:
        case "ACTIVE":
            return or_(archived.is_(None), activated <= now)
        case "ARCHIVED":
            return and_(archived.is_not(None), activated.is_(None))
        case "ACTIVATING":
            return and_(archived.is_not(None), activated > now)
        case _:
            return true()


def update_image_storage_class(
    context: Context, request: "UpdateImageStorageClassRequestTypeDef"
) -> UpdateImageStorageClassResult:
    """UpdateImageStorageClass. To ask for the class that the image has changes nothing (unconfirmed)."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    wanted = request["imageId"]
    image = find_image(context, repository, wanted)
    match request["targetStorageClass"]:
        case "ARCHIVE":
            archive(context, repository, image)
        case "STANDARD":
            restore(context, repository, image)
        case _:
            raise invalid("targetStorageClass", "Member must satisfy enum value set: [STANDARD, ARCHIVE]")
    image_id: ImageIdentifierTypeDef = {"imageDigest": image.digest}
    if "imageTag" in wanted:
        image_id["imageTag"] = wanted["imageTag"]
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageId": image_id,
        "imageStatus": status_of(image, context.now),
    }


def archive(context: Context, repository: RepositoryRow, image: ImageRow) -> None:
    """Send an image to the archive. One that an index names stays (unconfirmed).

    Raises:
        ImageStorageClassUpdateNotSupportedException: an index that is not archived names it.

    """
    if status_of(image, context.now) == "ARCHIVED":
        return
    named = active_indexes_of(context, image)
    if named:
        raise ImageStorageClassUpdateNotSupportedException(
            f"Requested image referenced by manifest list: [{', '.join(named)}]"  # (unconfirmed wording)
        )
    image.archived_at, image.activated_at = context.now, None
    record_storage_change(context, repository, image.digest, "ARCHIVE", None)


def restore(context: Context, repository: RepositoryRow, image: ImageRow) -> None:
    """Bring an archived image back: it can be pulled again once `RESTORING` is over."""
    if status_of(image, context.now) == "ARCHIVED":
        image.activated_at = context.now + RESTORING
        record_storage_change(context, repository, image.digest, "STANDARD", image.activated_at)


def active_indexes_of(context: Context, image: ImageRow) -> list[str]:
    """The indexes that name an image and are not in the archive themselves."""
    query = (
        select(ImageRow.digest)
        .join(
            ImageReferenceRow,
            and_(
                ImageReferenceRow.repository_arn == ImageRow.repository_arn,
                ImageReferenceRow.digest == ImageRow.digest,
            ),
        )
        .where(
            ImageRow.repository_arn == image.repository_arn,
            ImageReferenceRow.target == image.digest,
            ImageReferenceRow.kind == "manifest",
            ~has_status("ARCHIVED", context.now),
        )
    )
    return sorted(context.session.scalars(query))
