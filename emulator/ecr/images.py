"""Images: stored and fetched. `store_image` is the one way in, for PutImage and for docker push alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecr.blobs import algorithm_of, digest_of, is_digest
from emulator.ecr.errors import (
    ImageAlreadyExistsException,
    ImageDigestDoesNotMatchException,
    ImageTagAlreadyExistsException,
    LayersNotFoundException,
    ReferencedImagesNotFoundException,
    invalid,
)
from emulator.ecr.image_events import record_image_action
from emulator.ecr.image_ids import Failure, resolve
from emulator.ecr.manifests import Manifest, parse_manifest
from emulator.ecr.mutability import is_immutable
from emulator.ecr.pull_times import record_pull
from emulator.ecr.repositories import find_repository
from emulator.ecr.storage_classes import restore, status_of
from emulator.state.ecr import ImageReferenceRow, ImageRow, ImageTagRow, LayerRow, RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        BatchGetImageRequestTypeDef,
        ImageFailureTypeDef,
        ImageIdentifierTypeDef,
        ImageTypeDef,
        PutImageRequestTypeDef,
    )

MAX_MANIFEST = 4_194_304
"""Bytes."""
ARCHIVED = Failure("ImageInaccessible", "Requested image is archived")
"""What a pull of an archived image gets (code and wording unconfirmed)."""
_MAX_TAG = 300


class PutImageResult(TypedDict):
    """The image as stored."""

    image: "ImageTypeDef"


class BatchGetImageResult(TypedDict):
    """Images found, and why others were not."""

    images: "list[ImageTypeDef]"
    failures: "list[ImageFailureTypeDef]"


@dataclass(frozen=True, slots=True)
class Push:
    """A manifest to store. `digest` is what the client believes it to be."""

    content: bytes
    media_type: str | None = None
    tags: Sequence[str] = ()
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store_image` did."""

    digest: str
    manifest: Manifest
    changed: bool
    """False where the manifest was there under all of the tags."""


def put_image(context: Context, request: "PutImageRequestTypeDef") -> PutImageResult:
    """PutImage."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    text, tag = request["imageManifest"], request.get("imageTag")
    if tag is not None and not 1 <= len(tag) <= _MAX_TAG:
        raise invalid("imageTag", f"Member must have length less than or equal to {_MAX_TAG}")
    push = Push(
        text.encode(), request.get("imageManifestMediaType"), () if tag is None else (tag,), request.get("imageDigest")
    )
    stored = store_image(context, repository, push)
    if not stored.changed:
        raise ImageAlreadyExistsException(repository.name, repository.account, stored.digest, tag)
    image_id: ImageIdentifierTypeDef = {"imageDigest": stored.digest}
    if tag is not None:
        image_id["imageTag"] = tag
    return {
        "image": {
            "registryId": repository.account,
            "repositoryName": repository.name,
            "imageId": image_id,
            "imageManifest": text,
            "imageManifestMediaType": stored.manifest.media_type,
        }
    }


def store_image(context: Context, repository: RepositoryRow, push: Push) -> Stored:
    """Store a manifest and point the tags at it, all or nothing. A tag's former image stays.

    Raises:
        InvalidParameterException: it is no manifest.
        ImageDigestDoesNotMatchException: `push.digest` is not its digest.
        ImageTagAlreadyExistsException: an immutable tag names another image.
        LayersNotFoundException: the repository lacks a layer or the config.
        ReferencedImagesNotFoundException: the repository lacks a manifest of the index.

    """
    manifest = parse_manifest(push.content, push.media_type)
    sha512 = push.digest is not None and is_digest(push.digest) and algorithm_of(push.digest) == "sha512"
    digest = digest_of(push.content, "sha512" if sha512 else "sha256")
    if push.digest is not None and push.digest != digest:
        raise ImageDigestDoesNotMatchException(push.digest, digest)
    moved = _tags_to_move(context, repository, push.tags, digest)
    present = context.session.get(ImageRow, (repository.arn, digest))
    if present is None:
        _require_content(context, repository, manifest)
        _add_image(context, repository, push.content, digest, manifest)
    else:
        restore(context, repository, present)
    for tag, row in moved.items():
        if row is None:
            context.session.add(ImageTagRow(repository_arn=repository.arn, tag=tag, digest=digest))
        else:
            row.digest = digest
    changed = present is None or bool(moved)
    if changed:
        for tag in moved or [""]:
            record_image_action(context, repository, "PUSH", digest, tag)
    return Stored(digest, manifest, changed)


def batch_get_image(context: Context, request: "BatchGetImageRequestTypeDef") -> BatchGetImageResult:
    """BatchGetImage. Manifests are never converted: the stored one is given whatever `acceptedMediaTypes` says."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    result: BatchGetImageResult = {"images": [], "failures": []}
    for image_id in request["imageIds"]:
        found = resolve(context, repository, image_id)
        if isinstance(found, Failure):
            result["failures"].append(found.describe(image_id))
            continue
        if status_of(found, context.now) != "ACTIVE":
            result["failures"].append(ARCHIVED.describe(image_id))
            continue
        record_pull(context, found)
        shown: ImageIdentifierTypeDef = {"imageDigest": found.digest}
        if "imageTag" in image_id:
            shown["imageTag"] = image_id["imageTag"]
        result["images"].append(
            {
                "registryId": repository.account,
                "repositoryName": repository.name,
                "imageId": shown,
                "imageManifest": found.manifest.decode(),
                "imageManifestMediaType": found.media_type,
            }
        )
    return result


def _tags_to_move(
    context: Context, repository: RepositoryRow, tags: Sequence[str], digest: str
) -> dict[str, ImageTagRow | None]:
    """The tags that do not name `digest` yet, with their rows."""
    rows = {tag: context.session.get(ImageTagRow, (repository.arn, tag)) for tag in tags}
    moved = {tag: row for tag, row in rows.items() if row is None or row.digest != digest}
    for tag, row in moved.items():
        if row is not None and is_immutable(repository, tag):
            raise ImageTagAlreadyExistsException(repository.name, tag)
    return moved


def _require_content(context: Context, repository: RepositoryRow, manifest: Manifest) -> None:
    absent = _absent(context, LayerRow, repository, list(manifest.blobs))
    if absent:
        raise LayersNotFoundException(
            f"Layers with digests '[{', '.join(absent)}]' required for pushing image into repository with name "
            f"'{repository.name}' in the registry with id '{repository.account}' do not exist"
        )
    absent = _absent(context, ImageRow, repository, manifest.children)
    if absent:
        raise ReferencedImagesNotFoundException(repository.name, repository.account, absent)


def _absent(
    context: Context, table: type[LayerRow] | type[ImageRow], repository: RepositoryRow, digests: Sequence[str]
) -> list[str]:
    query = select(table.digest).where(table.repository_arn == repository.arn, table.digest.in_(digests))
    present = set(context.session.scalars(query))
    return [digest for digest in dict.fromkeys(digests) if digest not in present]


def _add_image(context: Context, repository: RepositoryRow, content: bytes, digest: str, manifest: Manifest) -> None:
    session = context.session
    size = sum(manifest.blobs.values())
    if manifest.children:  # the largest of an index's images, by the service model
        children = (ImageRow.repository_arn == repository.arn, ImageRow.digest.in_(manifest.children))
        size = session.scalar(select(func.max(ImageRow.size_bytes)).where(*children)) or 0
    session.add(
        ImageRow(
            repository_arn=repository.arn,
            digest=digest,
            manifest=content,
            media_type=manifest.media_type,
            artifact_media_type=manifest.artifact_type,
            subject_digest=manifest.subject,
            size_bytes=size,
            pushed_at=context.now,
            pulled_at=None,
            archived_at=None,
            activated_at=None,
        )
    )
    references = dict.fromkeys(manifest.blobs, "blob") | dict.fromkeys(manifest.children, "manifest")
    session.add_all(
        ImageReferenceRow(repository_arn=repository.arn, digest=digest, target=target, kind=kind)
        for target, kind in references.items()
    )
    session.flush()
