"""The registry's error bodies, and which of them each of ECR's errors, and each refusal of the disk, becomes."""

import errno
from collections.abc import Mapping

from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse, Response

from emulator.ecr import errors
from emulator.ecr.access import AccessDeniedException
from emulator.errors import AwsError

VERSION_HEADER = {"Docker-Distribution-Api-Version": "registry/2.0"}


class RegistryFault(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return JSONResponse(body, self.status, {**VERSION_HEADER, **self.headers})


_FAULTS: Mapping[type[AwsError], tuple[int, str]] = {
    errors.RepositoryNotFoundException: (404, "NAME_UNKNOWN"),
    errors.ImageTagAlreadyExistsException: (400, "TAG_INVALID"),
    errors.LayersNotFoundException: (400, "BLOB_UPLOAD_UNKNOWN"),  # ECR's own mapping; OCI says MANIFEST_BLOB_UNKNOWN
    errors.ReferencedImagesNotFoundException: (400, "MANIFEST_BLOB_UNKNOWN"),
    errors.ImageDigestDoesNotMatchException: (400, "DIGEST_INVALID"),
    errors.InvalidParameterException: (400, "MANIFEST_INVALID"),
    errors.UploadNotFoundException: (404, "BLOB_UPLOAD_UNKNOWN"),
    AccessDeniedException: (403, "DENIED"),
    errors.LimitExceededException: (429, "TOOMANYREQUESTS"),
    errors.ServerException: (500, "UNKNOWN"),
    errors.UnableToGetUpstreamImageException: (404, "MANIFEST_UNKNOWN"),
    errors.UnableToGetUpstreamLayerException: (404, "BLOB_UNKNOWN"),
}


_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def fault_of(error: AwsError) -> RegistryFault:
    """The registry's word for an error of ECR's."""
    status, code = _FAULTS.get(type(error), (400, "UNKNOWN"))
    return RegistryFault(status, code, error.message)


def disk_fault_of(error: OSError | OperationalError) -> RegistryFault | None:
    """What a client is told when the disk is full; None where the error is another."""
    told = str(error.orig) if isinstance(error, OperationalError) else ""
    if "disk is full" in told or (isinstance(error, OSError) and error.errno in _DISK_FULL):
        return RegistryFault(503, "UNAVAILABLE", "no space is left on the registry's disk")
    return None


def blob_unknown() -> RegistryFault:
    """The repository does not have the layer."""
    return RegistryFault(404, "BLOB_UNKNOWN", "blob unknown to registry")


def manifest_unknown() -> RegistryFault:
    """The repository does not have the image."""
    return RegistryFault(404, "MANIFEST_UNKNOWN", "Requested image not found")


def unsupported(message: str = "The operation is unsupported.") -> RegistryFault:
    """The registry does not do that."""
    return RegistryFault(405, "UNSUPPORTED", message)
