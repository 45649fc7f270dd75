"""What happens to images: told as EventBridge tells it, and handed on to what follows from it."""

from datetime import datetime

from emulator.context import Context
from emulator.ecr.events import tell
from emulator.ecr.image_followups import follow
from emulator.ecr.referrer_schedule import subject_gone
from emulator.ecr.replication_schedule import REPLICATOR
from emulator.state.ecr import ImageRow, RepositoryRow


def record_image_action(context: Context, repository: RepositoryRow, action: str, digest: str, tag: str) -> None:
    """Tell `ECR Image Action`, with what a push has brought."""
    if context.principal != REPLICATOR:  # which tells of replicas itself
        detail = {"image-digest": digest, "action-type": action, "image-tag": tag}
        image = context.session.get(ImageRow, (repository.arn, digest)) if action == "PUSH" else None
        if image is not None:
            detail["manifest-media-type"] = image.media_type
            detail |= {"artifact-media-type": image.artifact_media_type} if image.artifact_media_type else {}
        _record(context, repository, detail)
    follow(context, repository, action, digest)


def record_storage_change(
    context: Context, repository: RepositoryRow, digest: str, target: str, activated_at: datetime | None
) -> None:
    """Journal `ECR Image Action` of a changed storage class."""
    detail = {"image-digest": digest, "action-type": "UPDATE_STORAGE_CLASS", "target-storage-class": target}
    if activated_at is not None:
        detail["last-activated-at"] = activated_at.isoformat()
    _record(context, repository, detail)
    if target == "ARCHIVE":
        subject_gone(context, repository, digest)


def _record(context: Context, repository: RepositoryRow, detail: dict[str, str]) -> None:
    told = {"result": "SUCCESS", "repository-name": repository.name, **detail}
    tell(context, repository, "ECR Image Action", told)
