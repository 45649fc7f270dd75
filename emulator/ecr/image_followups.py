"""What follows from a push or a deletion: written down here, done by loops afterwards."""

from sqlalchemy import delete

from emulator.context import Context
from emulator.ecr.lifecycle_schedule import evaluate_soon
from emulator.ecr.public_names import PUBLIC_REGION
from emulator.ecr.referrer_schedule import subject_gone
from emulator.ecr.registry_documents import documents_of
from emulator.ecr.replication_rules import EMPTY
from emulator.ecr.replication_schedule import REPLICATION, REPLICATOR, drop_replicas, want_replicas
from emulator.ecr.scan_schedule import SCANNING, scan_pushed
from emulator.ecr.scanning.rules import DEFAULT
from emulator.ecr.signing_notes import NO_RULES, SIGNING, note_signing
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import ImageScanRow, SigningRow


def follow(context: Context, repository: RepositoryRow, action: str, digest: str) -> None:
    """Note what `action` (PUSH or DELETE) on an image, or on one of its tags, asks for."""
    evaluate_soon(context, repository.arn)
    gone = action == "DELETE" and context.session.get(ImageRow, (repository.arn, digest)) is None
    if gone:
        subject_gone(context, repository, digest)
    if repository.region == PUBLIC_REGION:  # ECR Public does none of what follows
        return
    if action == "PUSH":
        documents = documents_of(context, repository.account, repository.region)
        note_signing(context, repository, digest, documents.get(SIGNING, NO_RULES))
        scan_pushed(context, repository, digest, documents.get(SCANNING, DEFAULT))
        if context.principal != REPLICATOR:
            want_replicas(context, repository, digest, documents.get(REPLICATION, EMPTY))
    elif gone:
        drop_replicas(context, repository, digest)
        for table in (ImageScanRow, SigningRow):
            context.session.execute(delete(table).where(table.repository_arn == repository.arn, table.digest == digest))
