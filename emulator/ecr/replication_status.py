"""DescribeImageReplicationStatus."""

from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.image_ids import find_image
from emulator.ecr.repositories import find_repository
from emulator.state.ecr_registry import ReplicationRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DescribeImageReplicationStatusRequestTypeDef,
        ImageIdentifierTypeDef,
    )


class DescribeImageReplicationStatusResult(TypedDict):
    """Where an image is replicated to, and how far that is."""

    repositoryName: str
    imageId: "ImageIdentifierTypeDef"
    replicationStatuses: list[dict[str, str]]


def describe_image_replication_status(
    context: Context, request: "DescribeImageReplicationStatusRequestTypeDef"
) -> DescribeImageReplicationStatusResult:
    """DescribeImageReplicationStatus."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    wanted = request["imageId"]
    image = find_image(context, repository, wanted)
    query = select(ReplicationRow).where(
        ReplicationRow.repository_arn == repository.arn, ReplicationRow.digest == image.digest
    )
    rows = context.session.scalars(query.order_by(ReplicationRow.account, ReplicationRow.region))
    return {
        "repositoryName": repository.name,
        "imageId": {**wanted, "imageDigest": image.digest},
        "replicationStatuses": [_status(row) for row in rows],
    }


def _status(row: ReplicationRow) -> dict[str, str]:
    shown = {"region": row.region, "registryId": row.account, "status": row.status}
    return shown if row.failure_code is None else {**shown, "failureCode": row.failure_code}
