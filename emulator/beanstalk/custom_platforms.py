"""CreatePlatformVersion and DeletePlatformVersion: an account's own platforms.

On AWS a builder environment has Packer make an AMI. There are no AMIs here, so a version is taken and looked at, and then it has
Failed, with the reason among its events. That is why no environment can refer to one (PlatformVersionStillReferencedException),
and why no `Builder` is answered: there is none.
"""

import re
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.beanstalk.errors import InvalidParameterValue, OperationInProgressException, no_platform
from emulator.beanstalk.events import About, tell
from emulator.beanstalk.platforms import describe_custom_summary
from emulator.beanstalk.quotas import check_quota
from emulator.beanstalk.source_bundles import check_bundle
from emulator.beanstalk.tag_rules import checked_tags
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import PlatformVersionRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        CreatePlatformVersionRequestTypeDef,
        DeletePlatformVersionRequestTypeDef,
    )

LOOP = "beanstalk-platforms"
CREATING, FAILED, DELETING = "Creating", "Failed", "Deleting"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}", re.ASCII)
_VERSION = re.compile(r"\d+\.\d+\.\d+", re.ASCII)


class SummaryResult(TypedDict):
    """The version."""

    PlatformSummary: dict[str, Any]


def create_platform_version(context: Context, request: "CreatePlatformVersionRequestTypeDef") -> SummaryResult:
    """Take a platform definition; the loop looks at it."""
    name, version = request["PlatformName"], request["PlatformVersion"]
    if _NAME.fullmatch(name) is None:
        raise InvalidParameterValue(f"PlatformName '{name}' is invalid.")  # (unconfirmed) text
    if _VERSION.fullmatch(version) is None:
        raise InvalidParameterValue(f"PlatformVersion '{version}' is invalid: it must be like 1.0.2.")  # (unconfirmed)
    arn = context.arn("elasticbeanstalk", f"platform/{name}/{version}")
    if context.session.get(PlatformVersionRow, arn) is not None:
        raise InvalidParameterValue(f"Platform version {name}/{version} already exists.")  # (unconfirmed) text
    check_quota(context, PlatformVersionRow)
    tags = checked_tags(request.get("Tags", []))
    bundle = request["PlatformDefinitionBundle"]
    bucket, key = bundle.get("S3Bucket", ""), bundle.get("S3Key", "")
    if not bucket or not key:
        raise InvalidParameterValue("You must specify both S3Bucket and S3Key.")  # (unconfirmed) text
    check_bundle(context, bucket, key)
    row = PlatformVersionRow(
        arn=arn,
        account=context.account,
        region=context.region,
        name=name,
        version=version,
        status=CREATING,
        bucket=bucket,
        key=key,
        description={},
        created_at=context.now,
        updated_at=context.now,
        tags=tags,
    )
    context.session.add(row)
    _begin(context, row, f"Initiated platform version creation for '{name}/{version}'.")
    return {"PlatformSummary": describe_custom_summary(row)}


def delete_platform_version(context: Context, request: "DeletePlatformVersionRequestTypeDef") -> SummaryResult:
    """Begin to remove a version."""
    arn = request.get("PlatformArn") or ""
    row = context.session.get(PlatformVersionRow, arn)
    if row is None or (row.account, row.region) != (context.account, context.region):
        raise no_platform(arn)
    if row.status in {CREATING, DELETING}:
        raise OperationInProgressException(f"Platform version {arn} is being changed.")  # (unconfirmed) text
    row.status = DELETING
    _begin(context, row, f"Initiated platform version deletion for '{row.name}/{row.version}'.")  # (unconfirmed) text
    return {"PlatformSummary": describe_custom_summary(row)}


def _begin(context: Context, row: PlatformVersionRow, message: str) -> None:
    """Clients wait for the events of this request."""
    tell(context, message, About(platform_arn=row.arn), request_id=context.request_id)
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
    context.wake(LOOP, row.arn)
