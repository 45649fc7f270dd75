"""Which image an `imageId` means, or why none: by tag, by digest, or by both where they agree."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.context import Context
from emulator.ecr.errors import ImageNotFoundException
from emulator.state.ecr import ImageRow, ImageTagRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.literals import ImageFailureCodeType
    from types_boto3_ecr.type_defs import ImageFailureTypeDef, ImageIdentifierTypeDef

_DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an entry of a batch was not done."""

    code: "ImageFailureCodeType"
    reason: str

    def describe(self, image_id: "ImageIdentifierTypeDef") -> "ImageFailureTypeDef":
        """The entry of `failures`, with the id as it was given."""
        return {"imageId": image_id, "failureCode": self.code, "failureReason": self.reason}


def resolve(context: Context, repository: RepositoryRow, image_id: "ImageIdentifierTypeDef") -> ImageRow | Failure:
    """The image that `image_id` means."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if digest is None and tag is None:
        return Failure("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    if digest is not None and not _DIGEST.fullmatch(digest):
        return Failure(
            "InvalidImageDigest",
            f"Invalid request parameters: image digest should satisfy the regex '{_DIGEST.pattern}'",
        )
    if tag is not None:
        row = context.session.get(ImageTagRow, (repository.arn, tag))
        if row is not None and digest not in {None, row.digest}:
            return Failure(
                "ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest"
            )  # (unconfirmed)
        digest = row.digest if row is not None else None
    image = context.session.get(ImageRow, (repository.arn, digest)) if digest is not None else None
    return image or Failure("ImageNotFound", "Requested image not found")


def find_image(context: Context, repository: RepositoryRow, image_id: "ImageIdentifierTypeDef") -> ImageRow:
    """The image that `image_id` means.

    Raises:
        ImageNotFoundException: there is none.

    """
    image = resolve(context, repository, image_id)
    if isinstance(image, Failure):
        raise ImageNotFoundException(
            repository.name, repository.account, image_id.get("imageDigest"), image_id.get("imageTag")
        )
    return image
