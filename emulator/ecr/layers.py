"""The layer operations, as tools without docker's protocol call them.

They run on the event-loop thread like every operation: a part has 20 MiB at most and is hashed as it comes, so Complete
only syncs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

from emulator.context import Context
from emulator.ecr.blobs import Blobs, UploadBusyError, algorithm_of, blobs_of, is_digest
from emulator.ecr.errors import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    LayerAlreadyExistsException,
    LayerInaccessibleException,
    LayerPartTooSmallException,
    LayersNotFoundException,
    ServerException,
    invalid,
)
from emulator.ecr.layer_uses import availability
from emulator.ecr.repositories import find_repository
from emulator.ecr.tokens import Claims, sign
from emulator.ecr.uploads import begin_upload, complete_upload, find_layer, find_upload, promise_layer
from emulator.state.ecr import LayerRow, RepositoryRow

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

_URL_LIFETIME = timedelta(hours=1)
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
            promise_layer(context, layer)
            result["layers"].append(_describe(context, repository, layer))
    return result


@contextmanager
def _writing(blobs: Blobs, upload_id: str) -> Iterator[None]:
    """Claim an upload; what keeps the service from writing is a fault of its own, which SDKs try again."""
    try:
        with blobs.claim(upload_id):
            yield
    except UploadBusyError as error:
        raise ServerException("Another request is writing this upload; try again.") from error
    except OSError as error:
        raise ServerException(f"The registry's disk refuses: {error.strerror}") from error


def _describe(context: Context, repository: RepositoryRow, layer: LayerRow) -> "LayerTypeDef":
    use = availability(context, repository, layer.digest)
    result: LayerTypeDef = {
        "layerDigest": layer.digest,
        "layerAvailability": use.status or "AVAILABLE",
        "layerSize": layer.size_bytes,
    }
    if use.media_type:
        result["mediaType"] = use.media_type
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
    with _writing(blobs, upload.id):
        blobs.append(upload.id, [part])
    upload.part_too_small |= upload.last_part_bytes is not None and upload.last_part_bytes < _LEAST_PART
    upload.last_part_bytes = len(part)
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "uploadId": upload.id,
        "lastByteReceived": last,
    }


def complete_layer_upload(context: Context, request: "CompleteLayerUploadRequestTypeDef") -> CompleteLayerUploadResult:
    """CompleteLayerUpload. The digests name one layer by several algorithms; it is kept under the first (SHA-256)."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    upload = find_upload(context, repository, request["uploadId"])
    digests = sorted(filter(is_digest, request["layerDigests"]), key=algorithm_of)
    if not digests:
        raise invalid("layerDigests", "must satisfy regular expression 'sha256:[0-9a-f]{64}'")  # (unconfirmed)
    digest = digests[0]
    upload_id, blobs = upload.id, blobs_of(context.emulator)
    if not blobs.size(upload_id):
        raise EmptyUploadException(repository.name, repository.account, upload_id)
    if upload.part_too_small:
        raise LayerPartTooSmallException
    with _writing(blobs, upload_id):
        for given in digests:
            calculated = blobs.digest(upload_id, algorithm_of(given))
            if calculated != given:
                raise InvalidLayerException(given, calculated)
        if find_layer(context, repository, digest) is not None:
            raise LayerAlreadyExistsException(repository.name, repository.account, digest)
        blobs.seal(upload_id)
        complete_upload(context, repository, upload_id, digest)
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
    if availability(context, repository, digest).status is None:
        raise LayerInaccessibleException(repository.name, repository.account, digest)
    path = f"{repository.name}/blobs/{digest}"
    claims = Claims(repository.account, repository.region, context.principal, context.now + _URL_LIFETIME, path)
    address = f"http://localhost:{context.emulator.port}/v2/{path}?token={sign(context.session, claims)}"
    return {"downloadUrl": address, "layerDigest": digest}
