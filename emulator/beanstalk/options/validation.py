"""Whether settings hold, in Elastic Beanstalk's words (reference: beanstalk.md §1.2, §6.5)."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from emulator.beanstalk.options.catalogue import find
from emulator.beanstalk.options.model import PLATFORMS, Option, Setting, Trait, ValueType
from scheduler.beanstalk.cron import CronError, parse

_DURATION = re.compile(r"PT(?=\d)(\d+H)?(\d+M)?(\d+S)?")
_WHOLE, _DECIMAL = re.compile(r"-?[0-9]{1,18}"), re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_LIMITS = {"PauseTime": (0, 3600, "PT0S", "PT1H"), "Timeout": (300, 3600, "PT5M", "PT1H")}
_ROLLING = "aws:autoscaling:updatepolicy:rollingupdate"
_COMMAND = "aws:elasticbeanstalk:command"
_GROUP = "aws:autoscaling:asg"
_ENVIRONMENT = "aws:elasticbeanstalk:environment"
_PER_CENT = 100
_MANAGED = "aws:elasticbeanstalk:managedactions"
_ROLE = "AWSServiceRoleForElasticBeanstalk"
_DATABASE = "aws:rds:dbinstance"


NO_DATABASES = "Ashore makes no databases of environments: make one outside and hand its address over in a property."


@dataclass(frozen=True, slots=True)
class Message:
    """What is wrong with a setting."""

    text: str
    namespace: str
    name: str
    severity: str = "error"


def validate(settings: Iterable[Setting], platform: Trait, whole: Iterable[Setting]) -> list[Message]:
    """What is wrong with `settings`, each by itself and together with all that would then be in effect (`whole`)."""
    found = [message for setting in settings for message in _alone(setting, platform)]
    return found or list(_together(list(whole)))


def _alone(setting: Setting, platform: Trait) -> Iterator[Message]:
    # an option of another kind of balancer or tier is accepted: the EB CLI sends those of classic ones for all
    platforms = [option for option in find(setting.namespace, setting.name) if _on_platform(option, platform)]
    if not platforms:
        yield _specification(setting, "Unknown configuration setting.")
        return
    if setting.value is None or setting.value == "":
        return
    fault = _fault(platforms[0], setting.value)
    if fault:
        yield _value(setting, fault)


def _on_platform(option: Option, platform: Trait) -> bool:
    wanted = option.traits & PLATFORMS
    return not wanted or platform in wanted


def _fault(option: Option, value: str) -> str | None:
    if option.allowed and value not in option.allowed:
        return f"Value is not one of the allowed values: [{', '.join(option.allowed)}]"
    if option.minimum is not None or option.maximum is not None:
        return _out_of_range(option, value)
    if option.kind is ValueType.JSON:
        try:
            json.loads(value)
        except ValueError:
            return "Value is not valid JSON."  # (unconfirmed)
    if option.namespace == _ROLLING and option.name in _LIMITS:
        return _bad_duration(option.name, value)
    return _bad_recurrence(value) if option.name == "Recurrence" else None


def _out_of_range(option: Option, value: str) -> str | None:
    """The wording is (unconfirmed)."""
    if (_DECIMAL if option.decimal else _WHOLE).fullmatch(value) is None:
        return "Value is not a number."
    number = float(value)
    if option.minimum is not None and number < option.minimum:
        return f"Value is less than minimum allowed value: {_shown(option.minimum)}"
    if option.maximum is not None and number > option.maximum:
        return f"Value is greater than maximum allowed value: {_shown(option.maximum)}"
    return None


def _shown(limit: float) -> str:
    return f"{limit:.0f}" if limit == int(limit) else f"{limit:g}"


def _bad_duration(name: str, value: str) -> str | None:
    """The wording is (unconfirmed)."""
    least, most, shortest, longest = _LIMITS[name]
    if _DURATION.fullmatch(value) is None:
        return f"Value must be an ISO 8601 duration between {shortest} and {longest}."
    return None if least <= seconds(value) <= most else f"Value must be between {shortest} and {longest}."


def _bad_recurrence(value: str) -> str | None:
    """What EC2 Auto Scaling would refuse; the wording is (unconfirmed)."""
    try:
        parse(value)
    except CronError:
        return f"Given recurrence string: {value} is invalid"
    return None


def seconds(duration: str) -> int:
    """The length of an ISO 8601 duration of hours, minutes and seconds (`PT1H30M`); nonsense is nothing."""
    factor = {"H": 3600, "M": 60, "S": 1}
    return sum(int(number) * factor[unit] for number, unit in re.findall(r"(\d+)([HMS])", duration))


def _together(whole: list[Setting]) -> Iterator[Message]:
    values = {(setting.namespace, setting.name): setting for setting in whole}

    def value(namespace: str, name: str, default: str = "") -> str:
        setting = values.get((namespace, name))
        return (setting.value if setting is not None else None) or default

    minimum, maximum = int(value(_GROUP, "MinSize", "1")), int(value(_GROUP, "MaxSize", "4"))
    if minimum > maximum:
        yield _value(
            Setting(_GROUP, "MinSize", str(minimum)), f"Value is greater than maximum allowed value: {maximum}"
        )
    share = value(_COMMAND, "BatchSizeType", "Percentage") == "Percentage"
    if share and float(value(_COMMAND, "BatchSize", "100")) > _PER_CENT:
        setting = Setting(_COMMAND, "BatchSize", value(_COMMAND, "BatchSize"))
        yield _value(setting, f"Value is greater than maximum allowed value: {_PER_CENT}")
    if value("aws:ec2:vpc", "VPCId") and not value("aws:ec2:vpc", "Subnets"):
        yield _value(Setting("aws:ec2:vpc", "Subnets"), "Specify the subnets for the VPC.")
    if (
        value(_MANAGED, "ManagedActionsEnabled") == "true"
        and value(_ENVIRONMENT, "ServiceRole").rpartition("/")[2] == _ROLE
    ):
        yield _specification(
            Setting(_MANAGED, "ManagedActionsEnabled"),
            "You can't enable managed platform updates when your environment uses the service-linked role "
            f"'{_ROLE}'. Select a service role that has the 'AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy' "
            "managed policy.",
        )
    if value(_DATABASE, "HasCoupledDatabase") == "true":
        yield _value(Setting(_DATABASE, "HasCoupledDatabase", "true"), NO_DATABASES)
    yield from _policy(value)


def _policy(value: Callable[..., str]) -> Iterator[Message]:
    """What deployment policies need (reference: beanstalk.md §7.2); the texts are (unconfirmed)."""
    policy = value(_COMMAND, "DeploymentPolicy")
    immutable = policy in {"Immutable", "TrafficSplitting"}
    if immutable and value("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced") != "enhanced":
        yield _value(
            Setting(_COMMAND, "DeploymentPolicy", policy),
            "Enhanced health reporting is required for this deployment policy.",
        )
    single = value(_ENVIRONMENT, "EnvironmentType") == "SingleInstance"
    other = value(_ENVIRONMENT, "LoadBalancerType", "application") != "application"  # the bundle may say it
    if policy == "TrafficSplitting" and (single or other):
        yield _value(
            Setting(_COMMAND, "DeploymentPolicy", policy),
            "An Application Load Balancer is required for this deployment policy.",
        )


def _specification(setting: Setting, why: str) -> Message:
    text = f"Invalid option specification (Namespace: '{setting.namespace}', OptionName: '{setting.name}'): {why}"
    return Message(text, setting.namespace, setting.name)


def _value(setting: Setting, why: str) -> Message:
    shown = "null" if setting.value is None else setting.value
    text = f"Invalid option value: '{shown}' (Namespace: '{setting.namespace}', OptionName: '{setting.name}'): {why}"
    return Message(text, setting.namespace, setting.name)
