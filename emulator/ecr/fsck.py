"""Verifies the registry: every row against the others, every file against its row and its digest.

Rows are read in small transactions on the event-loop thread, files are hashed in I/O threads; pushes and pulls go on
meanwhile. What a push changes between two steps is looked at again before it is called a fault.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, select, tuple_

from emulator.ecr.blobs import Blobs, algorithm_of, blobs_of, digest_of, hash_file
from emulator.ecr.errors import InvalidParameterException
from emulator.ecr.manifests import parse_manifest
from emulator.state.ecr import ImageReferenceRow, ImageRow, ImageTagRow, LayerRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from emulator.emulator import Emulator

_BATCH = 50
"""Manifests that are in memory at a time."""


class Fault(StrEnum):
    """What can be wrong."""

    MANIFEST_CORRUPT = "manifest corrupt"
    REFERENCES_WRONG = "references wrong"
    LAYER_UNLINKED = "layer unlinked"
    IMAGE_MISSING = "image missing"
    TAG_DANGLING = "tag dangling"
    FILE_MISSING = "file missing"
    FILE_TORN = "file torn"
    FILE_CORRUPT = "file corrupt"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    fault: Fault
    subject: str
    """A digest or a tag."""
    repository: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the check has come."""

    files: int
    of_files: int
    size_bytes: int
    """Bytes hashed so far."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as the tables have it."""

    repository: str
    digest: str
    content: bytes
    media_type: str
    references: Mapping[str, str]
    """Digest → `blob` or `manifest`."""


def check_image(image: StoredImage, layers: Collection[str], images: Collection[str]) -> Iterator[Problem]:
    """What is wrong with an image of a repository that has `layers` and `images`."""

    def problem(fault: Fault, detail: str) -> Problem:
        return Problem(fault, image.digest, image.repository, detail)

    if digest_of(image.content, algorithm_of(image.digest)) != image.digest:
        yield problem(Fault.MANIFEST_CORRUPT, "the stored manifest has another digest")
        return
    try:
        manifest = parse_manifest(image.content, image.media_type)
    except InvalidParameterException as error:
        yield problem(Fault.MANIFEST_CORRUPT, error.message)
        return
    wanted = dict.fromkeys(manifest.blobs, "blob") | dict.fromkeys(manifest.children, "manifest")
    if wanted != image.references:
        yield problem(Fault.REFERENCES_WRONG, "the reference table says something else than the manifest")
    for digest in manifest.blobs:
        if digest not in layers:
            yield problem(Fault.LAYER_UNLINKED, f"the repository lacks {digest}")
    for digest in manifest.children:
        if digest not in images:
            yield problem(Fault.IMAGE_MISSING, f"the repository lacks {digest}")


async def check(emulator: "Emulator", *, repair: bool = False) -> AsyncIterator[Problem | Progress]:
    """Check everything. With `repair` files that are torn or corrupt are removed, so that the next push brings them anew."""
    last: tuple[str, str] | None = ("", "")
    while last is not None:
        with emulator.store.begin() as session:
            found, last = _check_images(session, last)
        for problem in found:
            yield problem
        await asyncio.sleep(0)
    with emulator.store.begin() as session:
        dangling = list(_dangling_tags(session))
    for problem in dangling:
        yield problem
    blobs = blobs_of(emulator)
    async for step in _check_files(emulator, blobs):
        yield step
        if repair and isinstance(step, Problem):
            _repair(emulator, blobs, step)


def _check_images(session: "Session", after: tuple[str, str]) -> tuple[list[Problem], tuple[str, str] | None]:
    """What is wrong with some images, and the last of them; None where there are no more."""
    key = tuple_(ImageRow.repository_arn, ImageRow.digest)
    query = select(ImageRow.repository_arn, ImageRow.digest, ImageRow.manifest, ImageRow.media_type).where(key > after)
    rows = session.execute(query.order_by(ImageRow.repository_arn, ImageRow.digest).limit(_BATCH)).all()
    problems: list[Problem] = []
    for repository, digest, content, media_type in rows:
        own = (ImageReferenceRow.repository_arn == repository, ImageReferenceRow.digest == digest)
        links = session.execute(select(ImageReferenceRow.target, ImageReferenceRow.kind).where(*own))
        stored = StoredImage(repository, digest, content, media_type, {row.target: row.kind for row in links})
        named = _named(content, media_type)
        layers, images = (_present(session, table, repository, named) for table in (LayerRow, ImageRow))
        problems += check_image(stored, layers, images)
    return problems, (rows[-1][0], rows[-1][1]) if len(rows) == _BATCH else None


def _named(content: bytes, media_type: str) -> list[str]:
    """What a manifest names; nothing where it cannot be read, which `check_image` tells."""
    try:
        manifest = parse_manifest(content, media_type)
    except InvalidParameterException:
        return []
    return [*manifest.blobs, *manifest.children]


def _present(
    session: "Session", table: type[LayerRow] | type[ImageRow], repository: str, digests: list[str]
) -> set[str]:
    query = select(table.digest).where(table.repository_arn == repository, table.digest.in_(digests))
    return set(session.scalars(query))


def _dangling_tags(session: "Session") -> Iterator[Problem]:
    there = exists().where(ImageRow.repository_arn == ImageTagRow.repository_arn, ImageRow.digest == ImageTagRow.digest)
    query = select(ImageTagRow.repository_arn, ImageTagRow.tag, ImageTagRow.digest).where(~there)
    for repository, tag, digest in session.execute(query):
        yield Problem(Fault.TAG_DANGLING, tag, repository, f"the repository lacks {digest}")


async def _check_files(emulator: "Emulator", blobs: Blobs) -> AsyncIterator[Problem | Progress]:
    with emulator.store.begin() as session:
        rows = session.execute(select(LayerRow.digest, LayerRow.size_bytes).distinct().order_by(LayerRow.digest))
        expected = [(digest, size) for digest, size in rows]
    hashed = 0
    for number, (digest, size) in enumerate(expected):
        problem = await asyncio.to_thread(check_file, blobs, digest, size)
        if problem is not None and _still_wanted(emulator, digest):
            yield problem
        hashed += size
        yield Progress(number + 1, len(expected), hashed)


def check_file(blobs: Blobs, digest: str, size: int) -> Problem | None:
    """What is wrong with the file of a blob. Blocks."""
    path = blobs.path(digest)
    try:
        found = path.stat().st_size
        if found != size:
            return Problem(Fault.FILE_TORN, digest, None, f"it has {found} bytes instead of {size}")
        calculated = hash_file(path, algorithm_of(digest))
    except FileNotFoundError:
        return Problem(Fault.FILE_MISSING, digest, None, "there is no such file")
    if calculated != digest:
        return Problem(Fault.FILE_CORRUPT, digest, None, f"its content has the digest {calculated}")
    return None


def _still_wanted(emulator: "Emulator", digest: str) -> bool:
    """Not so where the layer was deleted while its file was being read."""
    with emulator.store.begin() as session:
        return session.scalar(select(LayerRow.digest).where(LayerRow.digest == digest).limit(1)) is not None


def _repair(emulator: "Emulator", blobs: Blobs, problem: Problem) -> None:
    """Take away what is no layer: the next push of its digest, by whomever, brings it again."""
    if problem.fault in {Fault.FILE_TORN, Fault.FILE_CORRUPT, Fault.FILE_MISSING}:
        needed = select(ImageReferenceRow.target).where(ImageReferenceRow.kind == "blob")
        with emulator.store.begin() as session:
            session.execute(delete(LayerRow).where(LayerRow.digest == problem.subject, LayerRow.digest.not_in(needed)))
        blobs.remove(problem.subject)
