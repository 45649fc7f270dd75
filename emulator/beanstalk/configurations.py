"""The configuration that a request means: of an environment, a saved one, or a bare platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingRequiredParameter,
    no_application,
    no_configuration_template,
    no_environment,
)
from emulator.beanstalk.options.effective import effective, settings_from, traits_of
from emulator.beanstalk.options.model import Option, Setting, Trait
from emulator.beanstalk.platforms import Platform, platform_of_arn, platform_of_stack, trait_of
from emulator.beanstalk.saved_configurations import template_of
from emulator.context import Context
from emulator.state.beanstalk import ApplicationRow, ConfigurationTemplateRow, EnvironmentRow

WEB_TIER = {"Name": "WebServer", "Type": "Standard", "Version": "1.0"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """A platform with settings."""

    platform: Platform
    trait: Trait
    tier: Mapping[str, Any]
    settings: tuple[Setting, ...] = ()
    """Set directly or by a saved configuration."""
    bundle: tuple[Setting, ...] = ()
    """Of the deployed bundle."""

    @property
    def traits(self) -> frozenset[Trait]:
        """What options depend on."""
        return traits_of(self.trait, str(self.tier["Name"]), (*self.bundle, *self.settings))

    @property
    def whole(self) -> list[Setting]:
        """Every option with its value."""
        return effective(self.traits, self.bundle, self.settings)

    def is_set(self, option: Option) -> bool:
        """Somebody gave the option a value."""
        return any((one.namespace, one.name) == (option.namespace, option.name) for one in self.settings)


def find_application(context: Context, name: str) -> ApplicationRow:
    """An application of the account.

    Raises:
        InvalidParameterValue: there is none of this name.

    """
    row = context.session.get(ApplicationRow, (context.account, context.region, name))
    if row is None:
        raise no_application(name)
    return row


def find_living_application(context: Context, name: str) -> ApplicationRow:
    """An application to which something may be added.

    Raises:
        InvalidParameterValue: there is none of this name, or it is being deleted; the latter's text is (unconfirmed).

    """
    row = find_application(context, name)
    check_living(row)
    return row


def check_living(row: ApplicationRow) -> None:
    """Whether an application stays; see `find_living_application`."""
    if row.deletion is not None:
        raise InvalidParameterValue(f"Application {row.name} is being deleted.")


def find_template(context: Context, application: str, name: str) -> ConfigurationTemplateRow:
    """A saved configuration.

    Raises:
        InvalidParameterValue: there is none of this name.

    """
    row = template_of(context, application, name)
    if row is None:
        raise no_configuration_template(application, name)
    return row


def find_living_environment(context: Context, name: str) -> EnvironmentRow:
    """The environment of this name that is not terminated.

    Raises:
        InvalidParameterValue: there is none.

    """
    row = context.session.scalar(
        select(EnvironmentRow).where(
            EnvironmentRow.account == context.account,
            EnvironmentRow.region == context.region,
            EnvironmentRow.name == name,
            EnvironmentRow.status != "Terminated",
        )
    )
    if row is None:
        raise no_environment(name, None)
    return row


def configuration_of(row: EnvironmentRow, draft: Mapping[str, Any] | None = None) -> Configuration:
    """An environment's configuration as it is deployed, or as its draft would have it."""
    of = draft or {}
    arn = str(of.get("platform_arn") or row.platform_arn)
    settings, bundle = of.get("settings", row.settings), of.get("bundle_settings", row.bundle_settings)
    return Configuration(
        platform_of_arn(arn), trait_of(arn), row.tier, tuple(settings_from(settings)), tuple(settings_from(bundle))
    )


def configuration_of_template(row: ConfigurationTemplateRow) -> Configuration:
    """A saved configuration."""
    return Configuration(
        platform_of_arn(row.platform_arn), trait_of(row.platform_arn), row.tier, tuple(settings_from(row.settings))
    )


def configuration_asked_for(context: Context, request: Mapping[str, Any]) -> Configuration:
    """By EnvironmentName, TemplateName, PlatformArn or SolutionStackName, with the tier and settings of the request.

    Raises:
        InvalidParameterValue: it does not exist.
        MissingRequiredParameter: none of them is there.

    """
    if request.get("EnvironmentName"):
        return configuration_of(find_living_environment(context, request["EnvironmentName"]))
    if request.get("TemplateName"):
        return configuration_of_template(
            find_template(context, str(request.get("ApplicationName") or ""), request["TemplateName"])
        )
    if request.get("PlatformArn"):
        platform = platform_of_arn(request["PlatformArn"])
    elif request.get("SolutionStackName"):
        platform = platform_of_stack(request["SolutionStackName"])
    else:
        raise MissingRequiredParameter(
            "Either EnvironmentName, TemplateName, PlatformArn or SolutionStackName is required."
        )
    settings = tuple(settings_from(request.get("OptionSettings") or []))
    tier = WEB_TIER | dict(request.get("Tier") or {})
    return Configuration(platform, trait_of(platform.arn(context.region)), tier, settings)


def one_of_two(request: Mapping[str, Any]) -> None:
    """Exactly one of EnvironmentName and TemplateName.

    Raises:
        InvalidParameterCombination: both are there.
        MissingRequiredParameter: neither is.

    """
    names = [name for name in ("EnvironmentName", "TemplateName") if request.get(name)]
    if len(names) > 1:  # the texts are (unconfirmed)
        raise InvalidParameterCombination("Cannot specify both EnvironmentName and TemplateName.")
    if not names:
        raise MissingRequiredParameter("Either EnvironmentName or TemplateName is required.")
