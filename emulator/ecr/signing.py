"""The signing configuration of a registry, and what became of each image's signatures.

AWS Signer is not emulated: there is no key that a verifier would trust. An image pushed to a repository that a rule holds
gets the status FAILED with that reason, and never a signature that is none.
"""

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.errors import SigningConfigurationNotFoundException
from emulator.ecr.image_ids import find_image
from emulator.ecr.registry_documents import document_of, put_document, remove_document
from emulator.ecr.repositories import find_repository
from emulator.ecr.signing_notes import SIGNING
from emulator.state.ecr_registry import SigningRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DescribeImageSigningStatusRequestTypeDef,
        ImageIdentifierTypeDef,
        PutSigningConfigurationRequestTypeDef,
    )


class SigningConfigurationResult(TypedDict):
    """A registry's configuration."""

    registryId: NotRequired[str]
    signingConfiguration: dict[str, Any]


class DescribeImageSigningStatusResult(TypedDict):
    """What became of the signatures of one image."""

    repositoryName: str
    imageId: "ImageIdentifierTypeDef"
    registryId: str
    signingStatuses: list[dict[str, str]]


def get_signing_configuration(context: Context, request: object) -> SigningConfigurationResult:
    """GetSigningConfiguration."""
    del request
    return {"registryId": context.account, "signingConfiguration": _require(context)}


def put_signing_configuration(
    context: Context, request: "PutSigningConfigurationRequestTypeDef"
) -> SigningConfigurationResult:
    """PutSigningConfiguration."""
    configuration = cast("dict[str, Any]", request["signingConfiguration"])
    put_document(context, SIGNING, configuration)
    return {"signingConfiguration": configuration}


def delete_signing_configuration(context: Context, request: object) -> SigningConfigurationResult:
    """DeleteSigningConfiguration."""
    del request
    configuration = _require(context)
    remove_document(context, SIGNING)
    return {"registryId": context.account, "signingConfiguration": configuration}


def describe_image_signing_status(
    context: Context, request: "DescribeImageSigningStatusRequestTypeDef"
) -> DescribeImageSigningStatusResult:
    """DescribeImageSigningStatus: one entry for each profile of the rules that held when the image was pushed."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    wanted = request["imageId"]
    image = find_image(context, repository, wanted)
    query = select(SigningRow).where(SigningRow.repository_arn == repository.arn, SigningRow.digest == image.digest)
    rows = context.session.scalars(query.order_by(SigningRow.profile_arn))
    return {
        "repositoryName": repository.name,
        "imageId": {**wanted, "imageDigest": image.digest},
        "registryId": repository.account,
        "signingStatuses": [_status(row) for row in rows],
    }


def _status(row: SigningRow) -> dict[str, str]:
    shown = {"signingProfileArn": row.profile_arn, "status": row.status}
    if row.failure_code is not None and row.failure_reason is not None:
        shown |= {"failureCode": row.failure_code, "failureReason": row.failure_reason}
    return shown


def _require(context: Context) -> dict[str, Any]:
    configuration = document_of(context, context.account, context.region, SIGNING)
    if configuration is None:
        raise SigningConfigurationNotFoundException(context.account)
    return configuration
