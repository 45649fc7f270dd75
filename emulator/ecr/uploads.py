"""Uploads of layers as rows: begun, completed into a layer, given up. Bytes are the business of `blobs`."""

import uuid

from emulator.context import Context
from emulator.ecr.blobs import blobs_of
from emulator.ecr.errors import UploadNotFoundException
from emulator.ecr.repositories import find_repository
from emulator.state.ecr import LayerRow, LayerUploadRow, RepositoryRow


def begin_upload(context: Context, repository: RepositoryRow) -> LayerUploadRow:
    """A new, empty upload."""
    row = LayerUploadRow(
        id=str(uuid.uuid4()),  # not of `Ids`: a seeded server would draw, after a restart, the ids of uploads under way
        repository_arn=repository.arn,
        started_at=context.now,
        last_part_bytes=None,
        part_too_small=False,
    )
    context.session.add(row)
    blobs_of(context.emulator).begin(row.id)
    return row


def find_upload(context: Context, repository: RepositoryRow, upload_id: str) -> LayerUploadRow:
    """The upload of this repository.

    Raises:
        UploadNotFoundException: there is none.

    """
    row = context.session.get(LayerUploadRow, upload_id)
    if row is None or row.repository_arn != repository.arn:
        raise UploadNotFoundException(repository.name, repository.account, upload_id)
    return row


def complete_upload(context: Context, name: str, upload_id: str, digest: str) -> None:
    """Turn a sealed upload, whose digest has been checked, into a layer. The repository may have gone meanwhile."""
    repository = find_repository(context, name)
    row = find_upload(context, repository, upload_id)
    blobs = blobs_of(context.emulator)
    size = blobs.size(upload_id)
    context.session.delete(row)
    link_layer(context, repository, digest, size)
    blobs.publish(upload_id, digest)


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


def link_layer(context: Context, repository: RepositoryRow, digest: str, size: int) -> None:
    """Let the repository have a blob whose file is there, or is about to be."""
    if context.session.get(LayerRow, (repository.arn, digest)) is None:
        row = LayerRow(repository_arn=repository.arn, digest=digest, size_bytes=size, added_at=context.now)
        context.session.add(row)
        context.session.flush()
