"""The loop by which artifacts follow their subject into deletion or the archive, twelve hours of the clock later.

A subject that is back by then (pushed again, restored) keeps its artifacts. A tag is somebody's own wish: an artifact that
has one stays when its subject is deleted (unconfirmed).
"""

from dataclasses import dataclass

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.image_deletion import delete_image
from emulator.ecr.image_lists import tags_of
from emulator.ecr.referrer_schedule import LOOP, key_of
from emulator.ecr.storage_classes import archive, status_of
from emulator.emulator import Emulator
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import GoneSubjectRow


@dataclass(slots=True)
class ReferrerLoop:
    """A key is `REPOSITORY-ARN@SUBJECT`."""

    emulator: Emulator

    def start(self) -> None:
        """Look at every subject that artifacts wait to follow."""
        with self.emulator.store.begin() as session:
            rows = session.execute(select(GoneSubjectRow.repository_arn, GoneSubjectRow.digest)).all()
        self.emulator.loops.wake(LOOP, *(key_of(row[0], row[1]) for row in rows))

    async def handle(self, keys: list[str]) -> None:
        """See the module."""
        for key in keys:
            text, _, digest = key.partition("@")
            arn = parse_arn(text)
            if arn is None:
                raise ValueError(key)
            with self.emulator.transaction(arn.account, arn.region) as context:
                row = context.session.get(GoneSubjectRow, (text, digest))
                if row is None:
                    continue
                if row.due_at > context.now:
                    self.emulator.loops.wake_at(LOOP, key, row.due_at)
                    continue
                repository = context.session.get(RepositoryRow, text)
                if repository is not None:
                    _follow(context, repository, digest)
                context.session.delete(row)


def _follow(context: Context, repository: RepositoryRow, digest: str) -> None:
    subject = context.session.get(ImageRow, (repository.arn, digest))
    if subject is not None and status_of(subject, context.now) != "ARCHIVED":
        return
    query = select(ImageRow).where(ImageRow.repository_arn == repository.arn, ImageRow.subject_digest == digest)
    referrers = context.session.scalars(query).all()
    tagged = tags_of(context, repository, [row.digest for row in referrers])
    for referrer in referrers:
        if subject is not None:
            archive(context, repository, referrer)
        elif referrer.digest not in tagged:
            delete_image(context, repository, {"imageDigest": referrer.digest})
