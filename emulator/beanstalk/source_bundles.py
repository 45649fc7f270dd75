"""Where a version's source is: an object of S3 that exists, is near and is not too large."""

from collections.abc import Mapping
from typing import Any

from emulator.beanstalk.errors import (
    CodeBuildNotInServiceRegionException,
    InvalidParameterCombination,
    InvalidParameterValue,
    S3LocationNotInServiceRegionException,
)
from emulator.beanstalk.storage import objects_of
from emulator.context import Context
from emulator.errors import AwsError
from emulator.state.beanstalk import ApplicationVersionRow

_MOST = 512 * 1024 * 1024


def source_of(context: Context, request: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Bucket and key of what CreateApplicationVersion names; None twice: the sample application.

    Raises:
        InvalidParameterCombination: a bundle and a build.
        InvalidParameterValue: there is no such object, or it is too large; or the source is in CodeCommit.
        S3LocationNotInServiceRegionException: the bucket is in another region.
        CodeBuildNotInServiceRegionException: it would have to be built.

    """
    bundle, build = request.get("SourceBundle"), request.get("SourceBuildInformation")
    if bundle is not None and build is not None:
        raise InvalidParameterCombination(
            "You cannot specify both SourceBundle and SourceBuildInformation."  # (unconfirmed) text
        )
    if request.get("BuildConfiguration") is not None and build is None:
        raise InvalidParameterCombination(
            "You must specify SourceBuildInformation with BuildConfiguration."  # (unconfirmed) text
        )
    if build is not None:
        raise _cannot_be_had(build, request)
    if bundle is None:
        return None, None
    bucket, key = bundle.get("S3Bucket"), bundle.get("S3Key")
    if not bucket or not key:
        raise InvalidParameterValue("You must specify both S3Bucket and S3Key.")  # (unconfirmed) text
    check_bundle(context, bucket, key)
    return bucket, key


def _cannot_be_had(build: Mapping[str, Any], request: Mapping[str, Any]) -> AwsError:
    """Neither CodeCommit nor CodeBuild is emulated, which is said in place of a version that could never be deployed."""
    if build["SourceRepository"] == "CodeCommit":
        return InvalidParameterValue(
            f"Ashore has no CodeCommit: the source '{build['SourceLocation']}' cannot be fetched. "
            "Upload a source bundle to Amazon S3 instead."
        )
    if request.get("BuildConfiguration") is None:
        return InvalidParameterCombination(
            "You must specify BuildConfiguration for a source in Amazon S3."  # (unconfirmed) text
        )
    return CodeBuildNotInServiceRegionException("AWS CodeBuild is not available here: Ashore does not emulate it.")


def check_bundle(context: Context, bucket: str, key: str) -> None:
    """Whether a bundle can be read.

    Raises:
        InvalidParameterValue: there is no such object, or it is too large.
        S3LocationNotInServiceRegionException: the bucket is in another region.

    """
    objects = objects_of(context.emulator)
    region = objects.bucket_region(context.account, bucket)
    if region is not None and region != context.region:
        raise S3LocationNotInServiceRegionException(bucket, context.region)
    found = objects.head(context.account, bucket, key)
    if found is None:
        raise InvalidParameterValue(
            f"Unable to download from S3 location (Bucket: {bucket}  Key: {key}). Reason: Not Found"  # (unconfirmed)
        )
    if found.size > _MOST:
        raise InvalidParameterValue(
            f"Source bundle is {found.size} bytes, which exceeds the maximum allowed size of {_MOST} bytes."
        )  # (unconfirmed) text


def delete_source(context: Context, row: ApplicationVersionRow) -> None:
    """Remove a version's bundle once the transaction is safe."""
    bucket, key, account = row.bucket, row.key, context.account
    if bucket is not None and key is not None:
        objects = objects_of(context.emulator)
        context.after_commit(lambda: objects.delete(account, bucket, key))
