"""Clears away what no row needs: run at the start of the server and after a reset, never in the middle of a request."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, select

from emulator.ecr.blobs import blobs_of
from emulator.state.ecr import ImageReferenceRow, LayerRow, LayerUploadRow

if TYPE_CHECKING:
    from emulator.emulator import Emulator

KEPT = timedelta(days=1)
"""How long a layer may wait for an image, and an upload for its end: a push under way counts on them."""


def sweep(emulator: "Emulator") -> None:
    """Unlink layers that no image needs, end old uploads, and remove the files that are left without a row."""
    blobs, before = blobs_of(emulator), emulator.clock.now() - KEPT
    needed = exists().where(
        ImageReferenceRow.repository_arn == LayerRow.repository_arn, ImageReferenceRow.target == LayerRow.digest
    )
    with emulator.store.begin() as session:
        session.execute(delete(LayerRow).where(LayerRow.added_at < before, ~needed))
        session.execute(delete(LayerUploadRow).where(LayerUploadRow.started_at < before))
        digests = set(session.scalars(select(LayerRow.digest)))
        uploads = set(session.scalars(select(LayerUploadRow.id)))
    for digest in set(blobs.stored()) - digests:
        blobs.remove(digest)
    for upload in set(blobs.uploading()) - uploads:
        blobs.discard(upload)
