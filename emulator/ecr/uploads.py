"""Uploads of layers as rows: begun, completed into a layer, given up. Bytes are the business of `blobs`.

An upload that nothing arrives for expires by the clock; so does a layer that no image uses and that no client was told
of meanwhile (`emulator.ecr.gc` removes both).
"""

import uuid
from datetime import timedelta

from emulator.context import Context
from emulator.ecr.blobs import blobs_of
from emulator.ecr.errors import UploadNotFoundException
from emulator.state.ecr import LayerRow, LayerUploadRow, RepositoryRow

KEPT = timedelta(days=1)
"""How long a layer may wait for an image, and an upload for its next byte: a push under way counts on them."""
_NOTED_EVERY = timedelta(hours=1)
"""How exactly it is written down that a layer or an upload is still wanted: a write for each request would be too much."""


def begin_upload(context: Context, repository: RepositoryRow, algorithm: str = "sha256") -> LayerUploadRow:
    """A new, empty upload; `algorithm` is the one that its digest will probably have."""
    row = LayerUploadRow(
        id=str(uuid.uuid4()),  # not of `Ids`: a seeded server would draw, after a restart, the ids of uploads under way
        repository_arn=repository.arn,
        started_at=context.now,
        active_at=context.now,
        last_part_bytes=None,
        part_too_small=False,
    )
    context.session.add(row)
    blobs_of(context.emulator).begin(row.id, algorithm)
    return row


def find_upload(context: Context, repository: RepositoryRow, upload_id: str) -> LayerUploadRow:
    """The upload of this repository, which is thereby wanted for another `KEPT`.

    Raises:
        UploadNotFoundException: there is none, or it has expired.

    """
    row = context.session.get(LayerUploadRow, upload_id)
    blobs = blobs_of(context.emulator)
    if row is not None and row.repository_arn == repository.arn and blobs.exists(upload_id):
        idle = context.now - row.active_at
        if blobs.is_claimed(upload_id) or idle < KEPT:
            if idle >= _NOTED_EVERY:
                row.active_at = context.now
            return row
    raise UploadNotFoundException(repository.name, repository.account, upload_id)


def complete_upload(context: Context, repository: RepositoryRow, upload_id: str, digest: str) -> None:
    """Turn a sealed upload, whose digest has been checked, into a layer."""
    row = find_upload(context, repository, upload_id)
    blobs = blobs_of(context.emulator)
    size = blobs.size(upload_id)
    context.session.delete(row)
    link_layer(context, repository, digest, size)
    blobs.publish(upload_id, digest)
    context.after_commit(lambda: blobs.discard(upload_id))


def abandon_upload(context: Context, upload: LayerUploadRow) -> None:
    """Give an upload up."""
    upload_id, blobs = upload.id, blobs_of(context.emulator)
    context.session.delete(upload)
    context.after_commit(lambda: blobs.discard(upload_id))


def find_layer(context: Context, repository: RepositoryRow, digest: str) -> LayerRow | None:
    """The layer, if this repository has it. A file that was cut short by a crash of the machine does not count."""
    row = context.session.get(LayerRow, (repository.arn, digest))
    if row is None:
        return None
    try:
        whole = blobs_of(context.emulator).path(digest).stat().st_size == row.size_bytes
    except FileNotFoundError:
        whole = False
    return row if whole else None


def promise_layer(context: Context, layer: LayerRow) -> None:
    """A client is told that the layer is there and will not push it: it must wait for that client's image."""
    if context.now - layer.added_at >= _NOTED_EVERY:
        layer.added_at = context.now


def link_layer(context: Context, repository: RepositoryRow, digest: str, size: int) -> None:
    """Let the repository have a blob whose file is there, or is about to be."""
    row = context.session.get(LayerRow, (repository.arn, digest))
    if row is None:
        row = LayerRow(repository_arn=repository.arn, digest=digest, size_bytes=size, added_at=context.now)
        context.session.add(row)
        context.session.flush()
    else:
        promise_layer(context, row)
