"""DescribeConfigurationSettings and ValidateConfigurationSettings."""

from typing import TYPE_CHECKING, Any

from emulator.beanstalk.configurations import (
    Configuration,
    configuration_asked_for,
    configuration_of,
    configuration_of_template,
    find_application,
    find_living_environment,
    find_template,
    one_of_two,
)
from emulator.beanstalk.options.effective import documents_of, overlay, settings_from
from emulator.beanstalk.options.validation import validate
from emulator.context import Context
from emulator.state.beanstalk import ConfigurationTemplateRow, EnvironmentRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        DescribeConfigurationSettingsMessageTypeDef,
        ValidateConfigurationSettingsMessageTypeDef,
    )


def describe_configuration_settings(
    context: Context, request: "DescribeConfigurationSettingsMessageTypeDef"
) -> dict[str, Any]:
    """Every option with its value. Of an environment that is being updated, or whose update failed, the draft as well."""
    application = find_application(context, request["ApplicationName"]).name
    one_of_two(request)
    name = request.get("TemplateName")
    if name:
        return {"ConfigurationSettings": [describe_template(context, find_template(context, application, name))]}
    row = find_living_environment(context, request.get("EnvironmentName") or "")
    shown = [_describe_environment(context, row, configuration_of(row), "deployed")]
    if row.draft is not None:
        shown.append(_describe_environment(context, row, configuration_of(row, row.draft), str(row.draft["status"])))
    return {"ConfigurationSettings": shown}


def describe_template(context: Context, row: ConfigurationTemplateRow) -> dict[str, Any]:
    """A saved configuration, as the operations that make and change one answer, too. It names no environment."""
    found = _describe(context, configuration_of_template(row)) | {
        "ApplicationName": row.application,
        "TemplateName": row.name,
        "DateCreated": row.created_at,
        "DateUpdated": row.updated_at,
    }
    return found | ({"Description": row.description} if row.description is not None else {})


def _describe_environment(context: Context, row: EnvironmentRow, of: Configuration, status: str) -> dict[str, Any]:
    found = _describe(context, of) | {
        "ApplicationName": row.application,
        "EnvironmentName": row.name,
        "DeploymentStatus": status,
        "DateCreated": row.created_at,
        "DateUpdated": row.updated_at,
    }
    return found | ({"Description": row.description} if row.description is not None else {})


def _describe(context: Context, of: Configuration) -> dict[str, Any]:
    return {
        "SolutionStackName": of.platform.stack_name,
        "PlatformArn": of.platform.arn(context.region),
        "Tier": dict(of.tier),
        "OptionSettings": documents_of(of.whole),
    }


def validate_configuration_settings(
    context: Context, request: "ValidateConfigurationSettingsMessageTypeDef"
) -> dict[str, Any]:
    """What is wrong with settings for an environment or a saved configuration; nothing where they hold."""
    find_application(context, request["ApplicationName"])
    one_of_two(request)
    given = settings_from(request.get("OptionSettings") or [])
    about = configuration_asked_for(context, {**request, "OptionSettings": []})
    both = Configuration(about.platform, about.trait, about.tier, tuple(overlay(about.settings, given)), about.bundle)
    return {
        "Messages": [
            {
                "Message": message.text,
                "Severity": message.severity,
                "Namespace": message.namespace,
                "OptionName": message.name,
            }
            for message in validate(given, about.trait, both.whole)
        ]
    }
