"""Images that were there before enhanced scanning held their repository: a continuous scan takes them in, too.

AWS takes those pushed in the last 30 days (unconfirmed). They are taken in page by page, by the scan loop.
"""

from datetime import timedelta

from sqlalchemy import exists, select

from emulator.context import Context
from emulator.ecr.scan_schedule import is_scannable, scanning_for, want_scan
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import ImageScanRow

BACKLOG = "backlog:"
"""Before a repository's ARN: the scan loop's key for its backlog."""
_ELIGIBLE = timedelta(days=30)
_PAGE = 50


def take_in(context: Context, repository_arn: str, after: str) -> str | None:
    """Want scans of a page of the images that follow the digest `after`; the last digest where there may be more."""
    repository = context.session.get(RepositoryRow, repository_arn)
    if repository is None or scanning_for(context, repository).frequency != "CONTINUOUS_SCAN":
        return None
    scanned = exists().where(
        ImageScanRow.repository_arn == ImageRow.repository_arn,
        ImageScanRow.digest == ImageRow.digest,
        ImageScanRow.scan_type == "ENHANCED",
    )
    query = select(ImageRow).where(
        ImageRow.repository_arn == repository_arn,
        ImageRow.digest > after,
        ImageRow.pushed_at > context.now - _ELIGIBLE,
        ~scanned,
    )
    rows = context.session.scalars(query.order_by(ImageRow.digest).limit(_PAGE)).all()
    for row in rows:
        if is_scannable(context, row):
            want_scan(context, repository, row.digest, "ENHANCED")
    return rows[-1].digest if len(rows) == _PAGE else None
