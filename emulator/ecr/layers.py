"""The layer operations, as tools without docker's protocol call them.

They run on the event-loop thread like every operation: a part has 20 MiB at most and is hashed as it comes, so Complete
only syncs.
"""

from typing import TYPE_CHECKING, TypedDict

from emulator.context import Context
from emulator.ecr.blobs import blobs_of, is_digest
from emulator.ecr.errors import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    LayerAlreadyExistsException,
    LayerPartTooSmallException,
    LayersNotFoundException,
    invalid,
)
from emulator.ecr.repositories import find_repository
from emulator.ecr.tokens import LIFETIME, Claims, sign
from emulator.ecr.uploads import begin_upload, complete_upload, find_layer, find_upload

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        BatchCheckLayerAvailabilityRequestTypeDef,
        CompleteLayerUploadRequestTypeDef,
        GetDownloadUrlForLayerRequestTypeDef,
        InitiateLayerUploadRequestTypeDef,
        LayerFailureTypeDef,
        LayerTypeDef,
        UploadLayerPartRequestTypeDef,
    )

_PART_SIZE = 10_485_760
_LEAST_PART = 5 * 1_048_576


class BatchCheckLayerAvailabilityResult(TypedDict):
    """Which layers the repository has."""

    layers: "list[LayerTypeDef]"
    failures: "list[LayerFailureTypeDef]"


class InitiateLayerUploadResult(TypedDict):
    """A new upload."""

    uploadId: str
    partSize: int


class UploadLayerPartResult(TypedDict):
    """How far the upload has come."""

    registryId: str
    repositoryName: str
    uploadId: str
    lastByteReceived: int


class CompleteLayerUploadResult(TypedDict):
    """The layer that the upload became."""

    registryId: str
    repositoryName: str
    uploadId: str
    layerDigest: str


class GetDownloadUrlForLayerResult(TypedDict):
    """Where the layer can be read without further credentials."""

    downloadUrl: str
    layerDigest: str


def batch_check_layer_availability(
    context: Context, request: "BatchCheckLayerAvailabilityRequestTypeDef"
) -> BatchCheckLayerAvailabilityResult:
    """BatchCheckLayerAvailability."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    result: BatchCheckLayerAvailabilityResult = {"layers": [], "failures": []}
    for digest in request["layerDigests"]:
        if not is_digest(digest):  # both reasons (unconfirmed)
            failure: LayerFailureTypeDef = {
                "layerDigest": digest,
                "failureCode": "InvalidLayerDigest" if digest else "MissingLayerDigest",
                "failureReason": "Invalid layer digest" if digest else "Missing layer digest",
            }
            result["failures"].append(failure)
        elif (layer := find_layer(context, repository, digest)) is None:
            result["layers"].append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
        else:
            result["layers"].append(
                {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": layer.size_bytes}
            )
    return result


def initiate_layer_upload(context: Context, request: "InitiateLayerUploadRequestTypeDef") -> InitiateLayerUploadResult:
    """InitiateLayerUpload."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    return {"uploadId": begin_upload(context, repository).id, "partSize": _PART_SIZE}


def upload_layer_part(context: Context, request: "UploadLayerPartRequestTypeDef") -> UploadLayerPartResult:
    """UploadLayerPart: parts follow each other without gaps."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    upload = find_upload(context, repository, request["uploadId"])
    blobs, part = blobs_of(context.emulator), request["layerPartBlob"]
    if not isinstance(part, bytes):
        raise TypeError(type(part))  # the wire layer gives bytes
    first, last = request["partFirstByte"], request["partLastByte"]
    size = blobs.size(upload.id)
    if first != size or last - first + 1 != len(part) or not part:
        members = {
            "registryId": repository.account,
            "repositoryName": repository.name,
            "uploadId": upload.id,
            "lastValidByteReceived": size - 1,
        }
        raise InvalidLayerPartException(
            f"Layer part with first byte '{first}' and last byte '{last}' is not valid: the next byte is '{size}'",
            members,
        )  # (unconfirmed wording)
    upload.part_too_small |= upload.last_part_bytes is not None and upload.last_part_bytes < _LEAST_PART
    upload.last_part_bytes = len(part)
    with blobs.claim(upload.id):
        blobs.append(upload.id, [part])
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "uploadId": upload.id,
        "lastByteReceived": last,
    }


def complete_layer_upload(context: Context, request: "CompleteLayerUploadRequestTypeDef") -> CompleteLayerUploadResult:
    """CompleteLayerUpload. The digests name one layer by several algorithms; the SHA-256 one counts."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    upload = find_upload(context, repository, request["uploadId"])
    digest = next(filter(is_digest, request["layerDigests"]), None)
    if digest is None:
        raise invalid("layerDigests", "must satisfy regular expression 'sha256:[0-9a-f]{64}'")  # (unconfirmed)
    upload_id, blobs = upload.id, blobs_of(context.emulator)
    if not blobs.size(upload_id):
        raise EmptyUploadException(repository.name, repository.account, upload_id)
    if upload.part_too_small:
        raise LayerPartTooSmallException
    with blobs.claim(upload_id):
        calculated = blobs.digest(upload_id)
        if calculated != digest:
            raise InvalidLayerException(digest, calculated)
        if find_layer(context, repository, digest) is not None:
            raise LayerAlreadyExistsException(repository.name, repository.account, digest)
        blobs.seal(upload_id)
        complete_upload(context, repository.name, upload_id, digest)
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "uploadId": upload_id,
        "layerDigest": digest,
    }


def get_download_url_for_layer(
    context: Context, request: "GetDownloadUrlForLayerRequestTypeDef"
) -> GetDownloadUrlForLayerResult:
    """GetDownloadUrlForLayer: an address of our own registry that carries its credentials for an hour."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    digest = request["layerDigest"]
    if not is_digest(digest) or find_layer(context, repository, digest) is None:
        raise LayersNotFoundException(
            f"The layer with digest {digest} does not exist within the repository with name '{repository.name}' "
            f"in the registry with id '{repository.account}'"
        )
    expires_at = context.now + LIFETIME / 12
    token = sign(context.session, Claims(context.account, context.region, context.principal, expires_at))
    address = f"http://localhost:{context.emulator.port}/v2/{repository.name}/blobs/{digest}"
    return {"downloadUrl": f"{address}?token={token}", "layerDigest": digest}
