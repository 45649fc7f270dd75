"""Applications."""

from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import select

from emulator.beanstalk.configurations import find_application
from emulator.beanstalk.errors import InvalidParameterValue, application_exists
from emulator.beanstalk.events import About, tell
from emulator.beanstalk.quotas import check_quota
from emulator.beanstalk.tag_rules import checked_tags
from emulator.beanstalk.version_lifecycle import NO_RULES, merged_lifecycle
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import ApplicationRow, ApplicationVersionRow, ConfigurationTemplateRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        CreateApplicationMessageTypeDef,
        DescribeApplicationsMessageTypeDef,
        UpdateApplicationMessageTypeDef,
        UpdateApplicationResourceLifecycleMessageTypeDef,
    )


class ApplicationResult(TypedDict):
    """One application."""

    Application: dict[str, Any]


class ApplicationsResult(TypedDict):
    """Applications."""

    Applications: list[dict[str, Any]]


class LifecycleResult(TypedDict):
    """An application's life-cycle configuration."""

    ApplicationName: str
    ResourceLifecycleConfig: dict[str, Any]


def create_application(context: Context, request: "CreateApplicationMessageTypeDef") -> ApplicationResult:
    """Make an application."""
    name = request["ApplicationName"]
    if context.session.get(ApplicationRow, (context.account, context.region, name)) is not None:
        raise application_exists(name)
    tags = checked_tags(request.get("Tags", []))
    row = new_application(context, name, request.get("Description"), tags)
    if "ResourceLifecycleConfig" in request:
        row.lifecycle = merged_lifecycle(None, request["ResourceLifecycleConfig"])
    context.session.flush()
    return {"Application": describe(context, row)}


def new_application(context: Context, name: str, description: str | None, tags: list[dict[str, Any]]) -> ApplicationRow:
    """The row, with its events.

    Raises:
        InvalidParameterValue: the name has a slash.
        TooManyApplicationsException: the quota is used up.

    """
    check_slashes("ApplicationName", name)
    check_quota(context, ApplicationRow)
    row = ApplicationRow(
        account=context.account,
        region=context.region,
        name=name,
        description=description or None,
        lifecycle=None,
        deletion=None,
        created_at=context.now,
        updated_at=context.now,
        tags=tags,
    )
    context.session.add(row)
    for message in (
        "createApplication is starting.",
        f"Created new Application: {name}",
        "createApplication completed successfully.",
    ):
        tell(context, message, About(application=name), request_id=context.request_id)
    context.record(Kind.STATE_CHANGE, arn_of(context, name), {"created": name})
    return row


def check_slashes(member: str, name: str) -> None:
    """Names of applications, versions and saved configurations are parts of ARNs.

    Raises:
        InvalidParameterValue: the name has a slash.

    """
    if "/" in name:
        raise InvalidParameterValue(f"{member} '{name}' is invalid: it cannot contain '/'.")  # (unconfirmed) text


def arn_of(context: Context, name: str) -> str:
    """The ARN of an application."""
    return context.arn("elasticbeanstalk", f"application/{name}")


def describe_applications(context: Context, request: "DescribeApplicationsMessageTypeDef") -> ApplicationsResult:
    """Applications, the oldest first; names that are unknown are silently absent."""
    query = select(ApplicationRow).where(
        ApplicationRow.account == context.account, ApplicationRow.region == context.region
    )
    names = request.get("ApplicationNames")
    if names:
        query = query.where(ApplicationRow.name.in_(names))
    ordered = query.order_by(ApplicationRow.created_at, ApplicationRow.name)
    return {"Applications": [describe(context, row) for row in context.session.scalars(ordered)]}


def update_application(context: Context, request: "UpdateApplicationMessageTypeDef") -> ApplicationResult:
    """Change the description: what is absent stays, an empty one clears it."""
    row = find_application(context, request["ApplicationName"])
    if "Description" in request:
        row.description = request["Description"] or None
    row.updated_at = context.now
    context.record(Kind.STATE_CHANGE, arn_of(context, row.name), {"description": row.description})
    return {"Application": describe(context, row)}


def update_application_resource_lifecycle(
    context: Context, request: "UpdateApplicationResourceLifecycleMessageTypeDef"
) -> LifecycleResult:
    """Change the life-cycle rules of versions."""
    row = find_application(context, request["ApplicationName"])
    row.lifecycle = merged_lifecycle(row.lifecycle, request["ResourceLifecycleConfig"])
    row.updated_at = context.now
    context.record(Kind.STATE_CHANGE, arn_of(context, row.name), {"lifecycle": row.lifecycle})
    return {"ApplicationName": row.name, "ResourceLifecycleConfig": row.lifecycle}


def describe(context: Context, row: ApplicationRow) -> dict[str, Any]:
    """ApplicationDescription."""
    versions = (
        select(ApplicationVersionRow.label)
        .where(*_of(ApplicationVersionRow, row))
        .order_by(ApplicationVersionRow.created_at.desc(), ApplicationVersionRow.label.desc())
    )
    templates = (
        select(ConfigurationTemplateRow.name)
        .where(*_of(ConfigurationTemplateRow, row))
        .order_by(ConfigurationTemplateRow.name)
    )
    return {
        "ApplicationArn": arn_of(context, row.name),
        "ApplicationName": row.name,
        "DateCreated": row.created_at,
        "DateUpdated": row.updated_at,
        "Versions": list(context.session.scalars(versions)),
        "ConfigurationTemplates": list(context.session.scalars(templates)),
        "ResourceLifecycleConfig": dict(row.lifecycle or NO_RULES),
    } | ({"Description": row.description} if row.description is not None else {})


def _of(kind: type[ApplicationVersionRow | ConfigurationTemplateRow], row: ApplicationRow) -> tuple[Any, ...]:
    return (kind.account == row.account, kind.region == row.region, kind.application == row.name)
