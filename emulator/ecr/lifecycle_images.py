"""The images of a repository as lifecycle rules see them."""

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.lifecycle.evaluation import Candidate
from emulator.ecr.storage_classes import status_of
from emulator.state.ecr import ImageReferenceRow, ImageRow, ImageTagRow, RepositoryRow

PAGE = 2000
"""Images that one query reads."""
_COLUMNS = (
    *(ImageRow.digest, ImageRow.subject_digest, ImageRow.pushed_at, ImageRow.pulled_at),
    *(ImageRow.archived_at, ImageRow.activated_at),
)


def candidates_after(context: Context, repository_arn: str, after: str) -> list[Candidate]:
    """A page of the images, by digest, that follow the digest `after`.

    Columns are read, not rows: a repository may have a hundred thousand images, which no cache should be filled with.
    One that is coming back from the archive counts as back (unconfirmed).
    """
    query = select(*_COLUMNS).where(ImageRow.repository_arn == repository_arn, ImageRow.digest > after)
    rows = context.session.execute(query.order_by(ImageRow.digest).limit(PAGE)).all()
    if not rows:
        return []
    last = rows[-1][0]
    tags = _tags(context, repository_arn, after, last)
    parents = _parents(context, repository_arn, after, last)
    present = _present(context, repository_arn, {row[1] for row in rows if row[1]})
    return [
        Candidate(
            digest=digest,
            pushed_at=pushed_at,
            tags=frozenset(tags.get(digest, ())),
            storage_class="archive" if archived_at is not None and activated_at is None else "standard",
            pulled_at=pulled_at,
            activated_at=activated_at,
            archived_at=archived_at,
            bound_to=parents.get(digest) or (subject if subject in present else None),
        )
        for digest, subject, pushed_at, pulled_at, archived_at, activated_at in rows
    ]


def unchanged(context: Context, repository: RepositoryRow, candidate: Candidate) -> bool:
    """Whether the image is still what the rules judged: there, tagged so, and in the same storage class."""
    image = context.session.get(ImageRow, (repository.arn, candidate.digest))
    if image is None or (status_of(image, context.now) == "ARCHIVED") != (candidate.storage_class == "archive"):
        return False
    query = select(ImageTagRow.tag).where(
        ImageTagRow.repository_arn == repository.arn, ImageTagRow.digest == candidate.digest
    )
    return frozenset(context.session.scalars(query)) == candidate.tags and image.pulled_at == candidate.pulled_at


def _tags(context: Context, repository_arn: str, after: str, last: str) -> dict[str, list[str]]:
    query = select(ImageTagRow.digest, ImageTagRow.tag).where(
        ImageTagRow.repository_arn == repository_arn, ImageTagRow.digest > after, ImageTagRow.digest <= last
    )
    found: dict[str, list[str]] = {}
    for digest, tag in context.session.execute(query):
        found.setdefault(digest, []).append(tag)
    return found


def _parents(context: Context, repository_arn: str, after: str, last: str) -> dict[str, str]:
    """An index for each manifest that one names."""
    query = select(ImageReferenceRow.target, ImageReferenceRow.digest).where(
        ImageReferenceRow.repository_arn == repository_arn,
        ImageReferenceRow.target > after,
        ImageReferenceRow.target <= last,
        ImageReferenceRow.kind == "manifest",
    )
    return {row[0]: row[1] for row in context.session.execute(query)}


def _present(context: Context, repository_arn: str, digests: set[str]) -> set[str]:
    """Those of the subjects that are images of the repository."""
    query = select(ImageRow.digest).where(ImageRow.repository_arn == repository_arn, ImageRow.digest.in_(digests))
    return set(context.session.scalars(query)) if digests else set()
