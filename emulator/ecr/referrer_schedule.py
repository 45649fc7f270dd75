"""Writes down that artifacts (signatures, lists of parts) must follow their subject; `referrer_loop` sees to it."""

from datetime import timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import GoneSubjectRow

LOOP = "ecr-referrers"
AFTER = timedelta(hours=12)
"""AWS says within 24 hours."""


def key_of(repository_arn: str, digest: str) -> str:
    """The loop's key for a subject."""
    return f"{repository_arn}@{digest}"


def subject_gone(context: Context, repository: RepositoryRow, digest: str) -> None:
    """An image was deleted or archived: if artifacts name it as their subject, they go the same way later."""
    query = select(ImageRow.digest).where(ImageRow.repository_arn == repository.arn, ImageRow.subject_digest == digest)
    if context.session.scalar(query.limit(1)) is None:
        return
    row = GoneSubjectRow(repository_arn=repository.arn, digest=digest, due_at=context.now + AFTER)
    context.session.merge(row)
    context.wake(LOOP, key_of(repository.arn, digest))
