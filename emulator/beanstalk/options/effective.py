"""The settings in effect: by precedence, with every option that the environment has (reference: beanstalk.md §6.1, §6.3)."""

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.beanstalk.options.catalogue import find_for, options_of
from emulator.beanstalk.options.model import Setting, Trait

_ENVIRONMENT = "aws:elasticbeanstalk:environment"


def settings_from(documents: Iterable[Mapping[str, Any]]) -> list[Setting]:
    """Settings as the wire and the rows have them: Namespace, OptionName, Value, ResourceName."""
    return [
        Setting(item.get("Namespace") or "", item.get("OptionName") or "", item.get("Value"), item.get("ResourceName"))
        for item in documents
    ]


def documents_of(settings: Iterable[Setting]) -> list[dict[str, Any]]:
    """The opposite; what has no value has no `Value`."""
    return [
        {"Namespace": one.namespace, "OptionName": one.name}
        | ({"Value": one.value} if one.value is not None else {})
        | ({"ResourceName": one.resource} if one.resource is not None else {})
        for one in settings
    ]


def overlay(*layers: Iterable[Setting]) -> list[Setting]:
    """What remains of layers of settings, each of which wins over those before it. A value of None removes nothing."""
    found: dict[tuple[str, str, str | None], Setting] = {}
    for layer in layers:
        for setting in layer:
            found[_key(setting)] = setting
    return [found[key] for key in sorted(found, key=lambda key: (key[0], key[1], key[2] or ""))]


def without(settings: Iterable[Setting], removed: Iterable[Setting]) -> list[Setting]:
    """Settings less those that `removed` names (OptionsToRemove)."""
    gone = {_key(setting) for setting in removed}
    return [setting for setting in settings if _key(setting) not in gone]


def _key(setting: Setting) -> tuple[str, str, str | None]:
    """A resource tells settings apart only where an option is given for several: of scheduled actions."""
    named = setting.resource if setting.namespace == "aws:autoscaling:scheduledaction" else None
    return (setting.namespace, setting.name, named)


def traits_of(platform: Trait, tier: str, settings: Iterable[Setting]) -> frozenset[Trait]:
    """What an environment is, by its platform, its tier's name (WebServer, Worker) and what it was told."""
    told = {setting.name: setting.value for setting in settings if setting.namespace == _ENVIRONMENT}
    found = {platform, Trait.WORKER if tier == "Worker" else Trait.WEB}
    if told.get("EnvironmentType") != "SingleInstance":
        found.add(Trait.BALANCED)
        if tier != "Worker":
            found.add(Trait(told.get("LoadBalancerType") or "classic"))
    return frozenset(found)


def effective(traits: frozenset[Trait], bundle: Iterable[Setting], set_: Iterable[Setting]) -> list[Setting]:
    """Every option of the environment with its value: what was set, else what the bundle says, else the default.

    Sorted by namespace and name, as AWS does (the EB CLI takes the first option of a namespace for a certain one). What was set
    for an option that the environment does not have (another kind of balancer) is shown as well, as AWS shows it.
    """
    given = overlay(bundle, set_)
    named = {(setting.namespace, setting.name) for setting in given}
    defaults = [
        Setting(option.namespace, option.name, option.default)
        for option in options_of(traits)
        if "*" not in {option.name, option.namespace.rpartition(":")[2]}
        and (option.namespace, option.name) not in named
        and option.namespace != "aws:autoscaling:scheduledaction"
    ]
    return [_with_resource(setting, traits) for setting in overlay(defaults, given)]


def _with_resource(setting: Setting, traits: frozenset[Trait]) -> Setting:
    if setting.resource is not None:
        return setting
    option = find_for(setting.namespace, setting.name, traits)
    resource = option.resource if option is not None else None
    return Setting(setting.namespace, setting.name, setting.value, resource)
