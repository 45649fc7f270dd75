"""Garbage collection of layers: what no row needs, and rows that nobody needs any more.

The decision is pure. It is made and carried out on the event-loop thread in one transaction, so no request comes between;
what a push under way counts on is kept by time: a layer for `KEPT` after it came or a client was told of it, an upload
for `KEPT` after its last byte, and for as long as a request writes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from emulator.ecr.blobs import Blobs, blobs_of
from emulator.ecr.uploads import KEPT
from emulator.state.ecr import ImageReferenceRow, LayerRow, LayerUploadRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from emulator.emulator import Emulator


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob as one repository sees it."""

    repository: str
    digest: str
    wanted_at: datetime
    """When it came, or when a client was last told of it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload."""

    id: str
    active_at: datetime
    busy: bool
    """A request writes it at this moment."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry as the collector sees it."""

    layers: frozenset[Layer] = frozenset()
    needed: frozenset[tuple[str, str]] = frozenset()
    """Repository and digest of each layer that an image of the repository uses."""
    uploads: frozenset[Upload] = frozenset()
    files: Mapping[str, int] | None = None
    """The digests of the files there are, with their bytes."""
    upload_files: frozenset[str] = frozenset()


class Kind(StrEnum):
    """What is removed."""

    LAYER = "layer"
    UPLOAD = "upload"
    FILE = "file"
    UPLOAD_FILE = "upload file"


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing to remove, and why."""

    kind: Kind
    subject: str
    """A digest or an upload's id."""
    repository: str | None
    reason: str
    size_bytes: int = 0


def decide(snapshot: Snapshot, now: datetime) -> list[Removal]:
    """What to remove, in a stable order."""
    return [*_layers(snapshot, now), *_uploads(snapshot, now), *_files(snapshot, now)]


def collect(emulator: "Emulator", *, dry_run: bool = False) -> list[Removal]:
    """Decide, and unless it is a dry run do it. On the event-loop thread only."""
    blobs = blobs_of(emulator)
    with emulator.store.begin() as session:
        removals = decide(_snapshot(session, blobs), emulator.clock.now())
        if dry_run:
            return removals
        for removal in removals:
            match removal.kind:
                case Kind.LAYER:
                    session.execute(
                        delete(LayerRow).where(
                            LayerRow.repository_arn == removal.repository, LayerRow.digest == removal.subject
                        )
                    )
                case Kind.UPLOAD:
                    session.execute(delete(LayerUploadRow).where(LayerUploadRow.id == removal.subject))
                case Kind.FILE | Kind.UPLOAD_FILE:
                    pass
    for removal in removals:  # only once the rows are gone: a row without its file would be a lost layer
        if removal.kind is Kind.FILE:
            blobs.remove(removal.subject)
        elif removal.kind is Kind.UPLOAD_FILE:
            blobs.discard(removal.subject)
    return removals


def _layers(snapshot: Snapshot, now: datetime) -> Iterator[Removal]:
    sizes = snapshot.files or {}
    for layer in sorted(snapshot.layers, key=lambda layer: (layer.repository, layer.digest)):
        if _is_garbage(layer, snapshot, now):
            reason = f"no image uses it and no client was told of it since {layer.wanted_at:%Y-%m-%d %H:%M:%S}"
            yield Removal(Kind.LAYER, layer.digest, layer.repository, reason, sizes.get(layer.digest, 0))


def _uploads(snapshot: Snapshot, now: datetime) -> Iterator[Removal]:
    for upload in sorted(snapshot.uploads, key=lambda upload: upload.id):
        if upload.id not in snapshot.upload_files:
            yield Removal(Kind.UPLOAD, upload.id, None, "its file is not there")
        elif _has_expired(upload, now):
            yield Removal(Kind.UPLOAD, upload.id, None, f"idle since {upload.active_at:%Y-%m-%d %H:%M:%S}")


def _files(snapshot: Snapshot, now: datetime) -> Iterator[Removal]:
    kept = {layer.digest for layer in snapshot.layers if not _is_garbage(layer, snapshot, now)}
    for digest, size in sorted((snapshot.files or {}).items()):
        if digest not in kept:
            yield Removal(Kind.FILE, digest, None, "no repository has it", size)
    under_way = {upload.id for upload in snapshot.uploads if not _has_expired(upload, now)} & snapshot.upload_files
    for name in sorted(snapshot.upload_files):
        if name.partition(".")[0] not in under_way:  # a copy or a link of an upload has a suffix
            yield Removal(Kind.UPLOAD_FILE, name, None, "of no upload under way")


def _is_garbage(layer: Layer, snapshot: Snapshot, now: datetime) -> bool:
    return (layer.repository, layer.digest) not in snapshot.needed and now - layer.wanted_at >= KEPT


def _has_expired(upload: Upload, now: datetime) -> bool:
    return not upload.busy and now - upload.active_at >= KEPT


def _snapshot(session: "Session", blobs: Blobs) -> Snapshot:
    layers = session.execute(select(LayerRow.repository_arn, LayerRow.digest, LayerRow.added_at))
    needed = session.execute(
        select(ImageReferenceRow.repository_arn, ImageReferenceRow.target).where(ImageReferenceRow.kind == "blob")
    )
    uploads = session.execute(select(LayerUploadRow.id, LayerUploadRow.active_at))
    return Snapshot(
        layers=frozenset(Layer(*row) for row in layers),
        needed=frozenset((repository, digest) for repository, digest in needed),
        uploads=frozenset(Upload(name, active_at, blobs.is_claimed(name)) for name, active_at in uploads),
        files={digest: blobs.path(digest).stat().st_size for digest in blobs.stored()},
        upload_files=frozenset(blobs.uploading()),
    )
