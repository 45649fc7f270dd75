"""Saved configurations: made, changed, removed; and the draft of an environment, which is removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.beanstalk.applications import check_slashes
from emulator.beanstalk.configuration_settings import describe_template
from emulator.beanstalk.configurations import WEB_TIER, find_application, find_living_application, find_template
from emulator.beanstalk.environment_finding import by_name, find_named
from emulator.beanstalk.environment_options import check, put_together
from emulator.beanstalk.environment_sources import platform_of
from emulator.beanstalk.environment_states import Status, subject
from emulator.beanstalk.errors import (
    InvalidParameterCombination,
    configuration_template_exists,
    no_environment,
    no_platform_source,
    not_ready,
)
from emulator.beanstalk.quotas import check_quota
from emulator.beanstalk.saved_configurations import forget, save, template_of
from emulator.beanstalk.tag_rules import checked_tags
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import ConfigurationTemplateRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        CreateConfigurationTemplateMessageTypeDef,
        DeleteConfigurationTemplateMessageTypeDef,
        DeleteEnvironmentConfigurationMessageTypeDef,
        UpdateConfigurationTemplateMessageTypeDef,
    )


class NoResult(TypedDict):
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What a saved configuration begins with."""

    platform_arn: str
    tier: Mapping[str, Any]
    settings: tuple[dict[str, Any], ...] = ()


def create_configuration_template(
    context: Context, request: "CreateConfigurationTemplateMessageTypeDef"
) -> dict[str, Any]:
    """Save a configuration: of a platform, of another saved one, or of an environment as it was set."""
    application, name = find_living_application(context, request["ApplicationName"]).name, request["TemplateName"]
    check_slashes("TemplateName", name)
    if template_of(context, application, name) is not None:
        raise configuration_template_exists(name)
    check_quota(context, ConfigurationTemplateRow)
    source = _source(context, request)
    given = request.get("OptionSettings", [])
    settings = put_together(source.settings, given)
    check(given, settings, source.platform_arn)
    row = ConfigurationTemplateRow(
        account=context.account,
        region=context.region,
        application=application,
        name=name,
        description=request.get("Description") or None,
        platform_arn=source.platform_arn,
        tier=dict(source.tier),
        settings=settings,
        created_at=context.now,
        updated_at=context.now,
        tags=checked_tags(request.get("Tags", [])),
    )
    context.session.add(row)
    context.session.flush()
    save(context, row)
    context.record(Kind.STATE_CHANGE, arn_of(context, application, name), {"created": name})
    return describe_template(context, row)


def arn_of(context: Context, application: str, name: str) -> str:
    """The ARN of a saved configuration."""
    return context.arn("elasticbeanstalk", f"configurationtemplate/{application}/{name}")


def _source(context: Context, request: Mapping[str, Any]) -> _Source:
    """The source that the request names.

    Raises:
        InvalidParameterCombination: several that exclude each other, or do not agree.
        InvalidParameterValue: there is no such thing, or none is named.

    """
    stack, arn = request.get("SolutionStackName"), request.get("PlatformArn")
    if stack is not None and arn is not None:
        raise InvalidParameterCombination(
            "SolutionStackName and PlatformArn cannot both be specified."  # (unconfirmed) text
        )
    platform = platform_of(context, stack, arn)
    of, environment_id = request.get("SourceConfiguration"), request.get("EnvironmentId")
    environment = request.get("TemplateSpecification", {}).get("TemplateSource", {}).get("EnvironmentName")
    if sum(one is not None for one in (of, environment_id, environment)) > 1:
        raise InvalidParameterCombination(
            "SourceConfiguration and EnvironmentId cannot both be specified."  # (unconfirmed) text
        )
    if of is not None:
        found = find_template(
            context, of.get("ApplicationName", request["ApplicationName"]), of.get("TemplateName", "")
        )
        source = _Source(found.platform_arn, found.tier, tuple(found.settings))
    elif environment_id is not None or environment is not None:
        row = find_named(context, environment, environment_id)
        source = _Source(row.platform_arn, row.tier, tuple(row.settings))
    elif platform is not None:
        return _Source(platform, WEB_TIER)
    else:
        raise no_platform_source()
    if of is not None and platform is not None and platform != source.platform_arn:
        raise InvalidParameterCombination(
            "The platform must be that of the source configuration."  # (unconfirmed) text
        )
    return source if platform is None else _Source(platform, source.tier, source.settings)


def update_configuration_template(
    context: Context, request: "UpdateConfigurationTemplateMessageTypeDef"
) -> dict[str, Any]:
    """Change settings and description; what is absent stays."""
    application = find_application(context, request["ApplicationName"]).name
    row = find_template(context, application, request["TemplateName"])
    given, removed = request.get("OptionSettings", []), request.get("OptionsToRemove", [])
    settings = put_together(put_together(row.settings, removed=removed), given)
    check(given, settings, row.platform_arn)
    row.settings = settings
    if "Description" in request:
        row.description = request["Description"] or None
    row.updated_at = context.now
    save(context, row)
    context.record(Kind.STATE_CHANGE, arn_of(context, application, row.name), {"updated": row.name})
    return describe_template(context, row)


def delete_configuration_template(context: Context, request: "DeleteConfigurationTemplateMessageTypeDef") -> NoResult:
    """Remove a saved configuration with its file. Environments that were made from it keep their copy."""
    row = find_template(context, find_application(context, request["ApplicationName"]).name, request["TemplateName"])
    forget(context, row)
    context.session.delete(row)
    context.record(Kind.STATE_CHANGE, arn_of(context, row.application, row.name), {"deleted": row.name})
    return {}


def delete_environment_configuration(
    context: Context, request: "DeleteEnvironmentConfigurationMessageTypeDef"
) -> NoResult:
    """Forget the settings that could not be carried out. Those of an update under way cannot be removed."""
    find_application(context, request["ApplicationName"])
    name = request["EnvironmentName"]
    row = by_name(context, name)
    if row is None or row.application != request["ApplicationName"]:
        raise no_environment(name, None)
    if row.draft is not None and row.status != Status.READY:
        raise not_ready(name)
    row.draft = None
    context.record(Kind.STATE_CHANGE, subject(row), {"draft": None})
    return {}
