"""Scans of images: asked for and shown."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from emulator.arns import make_arn
from emulator.context import Context
from emulator.ecr.errors import (
    ImageArchivedException,
    LimitExceededException,
    ScanNotFoundException,
    UnsupportedImageTypeException,
    ValidationException,
)
from emulator.ecr.image_ids import find_image
from emulator.ecr.image_lists import tags_of
from emulator.ecr.pages import MAX_PAGE, page_offset
from emulator.ecr.repositories import find_repository
from emulator.ecr.scan_details import scan_status, scan_summary
from emulator.ecr.scan_schedule import is_scannable, scanning_for, want_scan
from emulator.ecr.scanning.findings import UNSUPPORTED, basic_finding, counts_of, enhanced_finding
from emulator.ecr.storage_classes import status_of
from emulator.pagination import encode_token
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import ImageScanRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DescribeImageScanFindingsRequestTypeDef,
        ImageIdentifierTypeDef,
        StartImageScanRequestTypeDef,
    )

_QUOTA = timedelta(hours=24)


class StartImageScanResult(TypedDict):
    """The scan under way."""

    registryId: str
    repositoryName: str
    imageId: "ImageIdentifierTypeDef"
    imageScanStatus: dict[str, str]


class DescribeImageScanFindingsResult(StartImageScanResult):
    """A page of what was found."""

    imageScanFindings: NotRequired[dict[str, Any]]
    nextToken: NotRequired[str]


def start_image_scan(context: Context, request: "StartImageScanRequestTypeDef") -> StartImageScanResult:
    """StartImageScan: one scan an image in 24 hours. One that failed may be asked for again (unconfirmed)."""
    repository, image = _image(context, request)
    if scanning_for(context, repository).scan_type == "ENHANCED":
        raise ValidationException("This feature is disabled")  # (unconfirmed)
    if status_of(image, context.now) != "ACTIVE":
        raise ImageArchivedException(f"The image '{image.digest}' is archived and cannot be scanned.")  # (unconfirmed)
    if not is_scannable(context, image):
        raise UnsupportedImageTypeException(UNSUPPORTED)
    last = context.session.get(ImageScanRow, (repository.arn, image.digest))
    if last is not None and last.status != "FAILED" and context.now - last.requested_at < _QUOTA:
        raise LimitExceededException("The scan quota per image has been exceeded. Wait and try again.")
    row = want_scan(context, repository, image.digest, "BASIC")
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageId": {**request["imageId"], "imageDigest": image.digest},
        "imageScanStatus": {"status": row.status},
    }


def describe_image_scan_findings(
    context: Context, request: "DescribeImageScanFindingsRequestTypeDef"
) -> DescribeImageScanFindingsResult:
    """DescribeImageScanFindings: the most severe first."""
    repository, image = _image(context, request)
    row = context.session.get(ImageScanRow, (repository.arn, image.digest))
    if row is None:
        tag = request["imageId"].get("imageTag")
        raise ScanNotFoundException(repository.name, repository.account, image.digest, tag)
    result: DescribeImageScanFindingsResult = {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageId": {**request["imageId"], "imageDigest": image.digest},
        "imageScanStatus": scan_status(row),
    }
    if row.status not in {"COMPLETE", "ACTIVE"}:
        return result
    start, size = page_offset(request.get("nextToken")), request.get("maxResults", MAX_PAGE)
    severities = list(counts_of(row.findings))
    ordered = sorted(row.findings, key=lambda item: (severities.index(item["severity"]), item["name"], item["package"]))
    page = ordered[start : start + size]
    found = scan_summary(row)
    if row.scan_type == "ENHANCED":
        details = _inspected(context, repository, image)
        seen = row.completed_at or context.now
        found["enhancedFindings"] = [enhanced_finding(item, details, seen) for item in page]
    else:
        found["findings"] = [basic_finding(item) for item in page]
    result["imageScanFindings"] = found
    if start + size < len(ordered):
        result["nextToken"] = encode_token(str(start + size))
    return result


def _inspected(context: Context, repository: RepositoryRow, image: ImageRow) -> dict[str, Any]:
    resource = f"repository/{repository.name}/{image.digest}"
    return {
        "account": repository.account,
        "arn": make_arn("ecr", repository.region, repository.account, resource),
        "registry": repository.account,
        "repositoryName": repository.name,
        "imageHash": image.digest,
        "imageTags": tags_of(context, repository, [image.digest]).get(image.digest, []),
        "pushedAt": image.pushed_at,
    }


def _image(
    context: Context, request: "StartImageScanRequestTypeDef | DescribeImageScanFindingsRequestTypeDef"
) -> tuple[RepositoryRow, ImageRow]:
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    wanted = request["imageId"]
    image = find_image(context, repository, wanted)
    return repository, image
