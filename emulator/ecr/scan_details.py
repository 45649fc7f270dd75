"""What DescribeImages shows of scans."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.scanning.findings import counts_of
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import ImageScanRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageDetailTypeDef


def scan_details(
    context: Context, repository: RepositoryRow, digests: Sequence[str]
) -> "dict[str, ImageDetailTypeDef]":
    """Digest → the members of its detail that tell of its scan; nothing of an image that was never scanned."""
    query = select(ImageScanRow).where(
        ImageScanRow.repository_arn == repository.arn, ImageScanRow.digest.in_(list(digests))
    )
    return {row.digest: _detail(row) for row in context.session.scalars(query)}


def _detail(row: ImageScanRow) -> "ImageDetailTypeDef":
    shown: dict[str, object] = {"imageScanStatus": scan_status(row)}
    if row.status in {"COMPLETE", "ACTIVE"}:
        shown["imageScanFindingsSummary"] = scan_summary(row)
    return cast("ImageDetailTypeDef", shown)


def scan_status(row: ImageScanRow) -> dict[str, str]:
    """The status of a scan, with its description where it has one."""
    return {"status": row.status} | ({"description": row.description} if row.description else {})


def scan_summary(row: ImageScanRow) -> dict[str, object]:
    """When it was, and how many findings of each severity."""
    shown: dict[str, object] = {"findingSeverityCounts": counts_of(row.findings)}
    if row.completed_at is not None:
        shown["imageScanCompletedAt"] = row.completed_at
    if row.source_updated_at is not None:
        shown["vulnerabilitySourceUpdatedAt"] = row.source_updated_at
    return shown
