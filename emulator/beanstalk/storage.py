"""The bucket in which Elastic Beanstalk keeps what belongs to an account in a region (reference: beanstalk.md §3)."""

from typing import Any, TypedDict

from emulator.beanstalk.errors import InsufficientPrivilegesException
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.neighbours.objects import Objects

_MARKER = ".elasticbeanstalk"


class StorageResult(TypedDict):
    """The bucket's name."""

    S3Bucket: str


def objects_of(emulator: Emulator) -> Objects:
    """S3 of the server.

    Raises:
        LookupError: the server was built without it (tests of other parts).

    """
    if emulator.objects is None:
        raise LookupError("this server has no S3")
    return emulator.objects


def bucket_of(account: str, region: str) -> str:
    """The bucket's name."""
    return f"elasticbeanstalk-{region}-{account}"


def ensure_storage(context: Context) -> str:
    """Make the bucket at first use; its name.

    Raises:
        InsufficientPrivilegesException: another account has a bucket of this name.

    """
    bucket, objects = bucket_of(context.account, context.region), objects_of(context.emulator)
    if objects.bucket_region(context.account, bucket) is None:
        if not objects.ensure_bucket(context.account, context.region, bucket):
            raise InsufficientPrivilegesException(f"The bucket '{bucket}' belongs to another account.")  # (unconfirmed)
        objects.put(context.account, bucket, _MARKER, b"")
    return bucket


def create_storage_location(context: Context, request: dict[str, Any]) -> StorageResult:
    """Make the bucket, or find it."""
    del request
    return {"S3Bucket": ensure_storage(context)}
