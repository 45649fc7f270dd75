"""Where a new environment's platform and option settings come from: a stack, a platform, a saved configuration, an environment.

TemplateSpecification is no part of the published model; `eb clone` sends it (reference: beanstalk.md §0.8).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.beanstalk.configurations import find_template
from emulator.beanstalk.environment_finding import find_named
from emulator.beanstalk.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    no_platform_source,
)
from emulator.beanstalk.options.validation import NO_DATABASES
from emulator.beanstalk.platforms import platform_of_arn, platform_of_stack, trait_of
from emulator.context import Context

OptionSetting = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """What an environment begins with."""

    platform_arn: str
    settings: tuple[OptionSetting, ...]
    """Of the saved configuration, or of the environment that it is a clone of."""
    tier: Mapping[str, Any] | None = None


def source_of(context: Context, request: Mapping[str, Any]) -> Source:
    """The source that a CreateEnvironment request names.

    Raises:
        InvalidParameterCombination: several that exclude each other.
        InvalidParameterValue: there is no such thing, or none is named, or it is to have a database.

    """
    stack, platform = request.get("SolutionStackName"), request.get("PlatformArn")
    template = request.get("TemplateName")
    specification = request.get("TemplateSpecification", {})
    original = specification.get("TemplateSource", {}).get("EnvironmentName")
    if specification.get("TemplateSnippets"):  # `eb create --database` sends RdsExtensionEB, and there are no others
        raise InvalidParameterValue(NO_DATABASES)
    if stack is not None and platform is not None:
        raise InvalidParameterCombination(
            "SolutionStackName and PlatformArn cannot both be specified."
        )  # (unconfirmed)
    chosen = platform_of(context, stack, platform)
    if template is not None:
        found = find_template(context, request["ApplicationName"], template)
        return Source(chosen or found.platform_arn, tuple(found.settings), found.tier)
    if original is not None:
        row = find_named(context, original, None)
        return Source(chosen or row.platform_arn, tuple(row.settings), row.tier)
    if chosen is None:
        raise no_platform_source()
    return Source(chosen, ())


def platform_of(context: Context, stack: str | None, platform: str | None) -> str | None:
    """The ARN of the platform version that a stack's name or an ARN means; None where neither is given.

    Raises:
        InvalidParameterValue: there is none such, or it cannot run here.

    """
    if stack is not None:
        found = platform_of_stack(stack)
    elif platform is not None:
        found = platform_of_arn(platform)
    else:
        return None
    arn = found.arn(context.region)
    trait_of(arn)  # one that cannot run here is refused
    return arn
