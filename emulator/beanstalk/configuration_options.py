"""DescribeConfigurationOptions: which options there are."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from emulator.beanstalk.configurations import Configuration, configuration_asked_for
from emulator.beanstalk.options.catalogue import find_for, options_of
from emulator.beanstalk.options.effective import effective
from emulator.beanstalk.options.model import Option
from emulator.context import Context

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import DescribeConfigurationOptionsMessageTypeDef


def describe_configuration_options(
    context: Context, request: "DescribeConfigurationOptionsMessageTypeDef"
) -> dict[str, Any]:
    """The options of a platform, a saved configuration or an environment; of those asked for where some are."""
    about = configuration_asked_for(context, request)
    wanted = {(item.get("Namespace"), item.get("OptionName")) for item in request.get("Options") or []}
    options = [
        option
        for option in _options(about)
        if not wanted or wanted & {(option.namespace, option.name), (option.namespace, None)}
    ]
    return {
        "SolutionStackName": about.platform.stack_name,
        "PlatformArn": about.platform.arn(context.region),
        "Tier": about.tier,
        "Options": [_describe(option, set_=about.is_set(option)) for option in options],
    }


def _options(about: Configuration) -> Iterable[Option]:
    """Those of the catalogue, patterns by the names that are in use."""
    used = {
        (setting.namespace, setting.name): option
        for setting in effective(about.traits, about.bundle, about.settings)
        if (option := find_for(setting.namespace, setting.name, about.traits)) is not None
    }
    plain = {(option.namespace, option.name): option for option in options_of(about.traits)}
    named = {
        place: option
        for place, option in plain.items()
        if "*" not in {option.name, option.namespace.rpartition(":")[2]}
    }
    found = named | used
    for namespace, name in sorted(found):
        option = found[namespace, name]
        yield Option(
            namespace, name, option.default, option.kind, option.values, option.minimum, option.maximum, option.severity
        )


def _describe(option: Option, *, set_: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Namespace": option.namespace,
        "Name": option.name,
        "ChangeSeverity": option.severity.value,
        "UserDefined": set_,
        "ValueType": option.kind.value,
    }
    if option.default is not None:
        found["DefaultValue"] = option.default
    if option.allowed:
        found["ValueOptions"] = list(option.allowed)
    for name, limit in (("MinValue", option.minimum), ("MaxValue", option.maximum)):
        if limit is not None and limit == int(limit):
            found[name] = int(limit)
    return found
