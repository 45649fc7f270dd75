"""Versions of applications."""

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.beanstalk.applications import check_slashes, new_application
from emulator.beanstalk.configurations import check_living
from emulator.beanstalk.errors import (
    InvalidParameterValue,
    OperationInProgressException,
    S3LocationNotInServiceRegionException,
    SourceBundleDeletionException,
    application_version_exists,
    no_application,
    no_application_version,
)
from emulator.beanstalk.events import About, tell
from emulator.beanstalk.pages import start_after
from emulator.beanstalk.quotas import check_quota
from emulator.beanstalk.source_bundles import delete_source, source_of
from emulator.beanstalk.storage import objects_of
from emulator.beanstalk.tag_rules import checked_tags
from emulator.beanstalk.version_lifecycle import apply_lifecycle
from emulator.beanstalk.version_uses import labels_in_use
from emulator.context import Context
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.beanstalk import ApplicationRow, ApplicationVersionRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        CreateApplicationVersionMessageTypeDef,
        DeleteApplicationVersionMessageTypeDef,
        DescribeApplicationVersionsMessageTypeDef,
        UpdateApplicationVersionMessageTypeDef,
    )

LOOP = "beanstalk-versions"
PROCESSING = "PROCESSING"
_UNPROCESSED = "UNPROCESSED"


class VersionResult(TypedDict):
    """One version."""

    ApplicationVersion: dict[str, Any]


class VersionsResult(TypedDict):
    """A page of versions."""

    ApplicationVersions: list[dict[str, Any]]
    NextToken: NotRequired[str]


class NoResult(TypedDict):
    """Nothing to say."""


def create_application_version(context: Context, request: "CreateApplicationVersionMessageTypeDef") -> VersionResult:
    """Make a version. With `Process` the loop looks at its manifest and configuration files."""
    name, label = request["ApplicationName"], request["VersionLabel"]
    check_slashes("VersionLabel", label)
    application = context.session.get(ApplicationRow, (context.account, context.region, name))
    if application is None and not request.get("AutoCreateApplication", False):
        raise no_application(name)
    if application is not None:
        check_living(application)
    if context.session.get(ApplicationVersionRow, (context.account, context.region, name, label)) is not None:
        raise application_version_exists(label)
    check_quota(context, ApplicationVersionRow)
    tags = checked_tags(request.get("Tags", []))
    bucket, key = source_of(context, request)
    if application is None:
        application = new_application(context, name, None, [])
    row = ApplicationVersionRow(
        account=context.account,
        region=context.region,
        application=name,
        label=label,
        description=request.get("Description") or None,
        bucket=bucket,
        key=key,
        build=None,
        status=PROCESSING if request.get("Process", False) and bucket is not None else _UNPROCESSED,
        manifest=None,
        created_at=context.now,
        updated_at=context.now,
        tags=tags,
    )
    context.session.add(row)
    _tell_created(context, name, label)
    context.session.flush()
    apply_lifecycle(context, application, label)
    if row.status == PROCESSING:
        context.wake(LOOP, key_of(row))
    return {"ApplicationVersion": describe(context, row)}


def _tell_created(context: Context, name: str, label: str) -> None:
    about = About(application=name, version_label=label)
    for message in (
        "createApplicationVersion is starting.",
        f"Created new Application Version: {label}",
        "createApplicationVersion completed successfully.",
    ):
        tell(context, message, about, request_id=context.request_id)
    context.record(Kind.STATE_CHANGE, arn_of(context, name, label), {"created": label})


def key_of(row: ApplicationVersionRow) -> str:
    """The loop's key of a version."""
    return f"{row.account}/{row.region}/{row.application}/{row.label}"


def arn_of(context: Context, application: str, label: str) -> str:
    """The ARN of a version."""
    return context.arn("elasticbeanstalk", f"applicationversion/{application}/{label}")


def find_version(context: Context, application: str, label: str) -> ApplicationVersionRow:
    """A version of an application.

    Raises:
        InvalidParameterValue: there is none.

    """
    row = context.session.get(ApplicationVersionRow, (context.account, context.region, application, label))
    if row is None:
        raise no_application_version(label)
    return row


def describe_application_versions(
    context: Context, request: "DescribeApplicationVersionsMessageTypeDef"
) -> VersionsResult:
    """Versions, the newest first; of an application that is unknown, none."""
    query = select(ApplicationVersionRow).where(
        ApplicationVersionRow.account == context.account, ApplicationVersionRow.region == context.region
    )
    if "ApplicationName" in request:
        query = query.where(ApplicationVersionRow.application == request["ApplicationName"])
    labels = request.get("VersionLabels")
    if labels:
        query = query.where(ApplicationVersionRow.label.in_(labels))
    rows = sorted(context.session.scalars(query), key=_place, reverse=True)
    last, size = start_after(request.get("NextToken")), request.get("MaxRecords") or len(rows)
    rest = rows if last is None else [row for row in rows if "/".join(_place(row)) < last]
    result: VersionsResult = {"ApplicationVersions": [describe(context, row) for row in rest[:size]]}
    if len(rest) > size:
        result["NextToken"] = encode_token("/".join(_place(rest[size - 1])))
    return result


def _place(row: ApplicationVersionRow) -> tuple[str, str, str]:
    return (row.created_at.isoformat(timespec="microseconds"), row.application, row.label)


def update_application_version(context: Context, request: "UpdateApplicationVersionMessageTypeDef") -> VersionResult:
    """Change the description: what is absent stays, an empty one clears it."""
    row = find_version(context, request["ApplicationName"], request["VersionLabel"])
    if "Description" in request:
        row.description = request["Description"] or None
    row.updated_at = context.now
    return {"ApplicationVersion": describe(context, row)}


def delete_application_version(context: Context, request: "DeleteApplicationVersionMessageTypeDef") -> NoResult:
    """Remove a version that no environment runs, and its bundle where that is asked for."""
    row = find_version(context, request["ApplicationName"], request["VersionLabel"])
    if row.label in labels_in_use(context, row.application):
        raise InvalidParameterValue(
            f"Unable to delete application version {row.label} because it is deployed to a running environment."
        )  # (unconfirmed) tail
    if row.status == PROCESSING:
        raise OperationInProgressException(
            f"Application version {row.label} is being processed."  # (unconfirmed) text
        )
    if request.get("DeleteSourceBundle", False) and row.bucket is not None:
        region = objects_of(context.emulator).bucket_region(context.account, row.bucket)
        if region is None:
            raise SourceBundleDeletionException(
                f"Unable to delete the source bundle: there is no bucket '{row.bucket}'."  # (unconfirmed) text
            )
        if region != context.region:
            raise S3LocationNotInServiceRegionException(row.bucket, context.region)
        delete_source(context, row)
    context.session.delete(row)
    context.record(Kind.STATE_CHANGE, arn_of(context, row.application, row.label), {"deleted": row.label})
    return {}


def describe(context: Context, row: ApplicationVersionRow) -> dict[str, Any]:
    """ApplicationVersionDescription; the sample application has no bundle."""
    found: dict[str, Any] = {
        "ApplicationVersionArn": arn_of(context, row.application, row.label),
        "ApplicationName": row.application,
        "Description": row.description,
        "VersionLabel": row.label,
        "SourceBundle": {"S3Bucket": row.bucket, "S3Key": row.key} if row.bucket is not None else None,
        "DateCreated": row.created_at,
        "DateUpdated": row.updated_at,
        "Status": row.status,
    }
    return {name: value for name, value in found.items() if value is not None}
