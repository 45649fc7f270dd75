"""Which settings are in effect, which do not hold, and what a change of them asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.beanstalk.options.catalogue import OPTIONS, find, find_for
from emulator.beanstalk.options.changes import Change, kind_of_change
from emulator.beanstalk.options.effective import documents_of, effective, overlay, settings_from, traits_of, without
from emulator.beanstalk.options.model import Setting, Trait
from emulator.beanstalk.options.validation import validate

COMMAND = "aws:elasticbeanstalk:command"
GROUP = "aws:autoscaling:asg"
PROPERTY = "aws:elasticbeanstalk:application:environment"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
WEB = traits_of(Trait.DOCKER, "WebServer", [Setting(ENVIRONMENT, "LoadBalancerType", "application")])

_plain = [option for option in OPTIONS if option.name != "*" and not option.namespace.endswith("*")]
_settings = st.lists(
    st.builds(
        lambda option, value: Setting(option.namespace, option.name, value),
        st.sampled_from(_plain),
        st.one_of(st.none(), st.sampled_from(["1", "true", "x"])),
    ),
    max_size=8,
)


def shown(settings: list[Setting]) -> dict[tuple[str, str], str | None]:
    return {(setting.namespace, setting.name): setting.value for setting in settings}


def test_each_option_is_found_by_its_name() -> None:
    for option in _plain:
        assert option in find(option.namespace, option.name)
    assert find("aws:elbv2:listener:443", "Protocol")
    assert find(PROPERTY, "ANYTHING")
    assert not find("aws:elbv2:listener:443", "Nothing")
    assert not find("aws:nothing", "Protocol")


def test_what_was_set_wins_over_the_bundle_and_that_over_the_default() -> None:
    bundle = [Setting(COMMAND, "Timeout", "100"), Setting(COMMAND, "BatchSize", "50")]
    found = shown(effective(WEB, bundle, [Setting(COMMAND, "Timeout", "200")]))
    assert (found[COMMAND, "Timeout"], found[COMMAND, "BatchSize"]) == ("200", "50")
    assert found[COMMAND, "DeploymentPolicy"] == "AllAtOnce"


@given(_settings, _settings)
def test_every_option_is_shown_once_and_in_order(bundle: list[Setting], given_: list[Setting]) -> None:
    found = effective(WEB, bundle, given_)
    places = [(setting.namespace, setting.name) for setting in found]
    assert places == sorted(set(places))
    assert settings_from(documents_of(found)) == found
    for setting in overlay(given_):
        assert shown(found)[setting.namespace, setting.name] == setting.value


def test_environments_have_the_options_of_their_kind() -> None:
    single = traits_of(Trait.DOCKER, "WebServer", [Setting(ENVIRONMENT, "EnvironmentType", "SingleInstance")])
    worker = traits_of(Trait.PYTHON, "Worker", [])
    assert not any(space.startswith(("aws:elb:", "aws:elbv2:")) for space, _ in shown(effective(single, [], [])))
    assert ("aws:elasticbeanstalk:sqsd", "HttpPath") in shown(effective(worker, [], []))
    assert ("aws:elasticbeanstalk:container:python", "WSGIPath") in shown(effective(worker, [], []))
    assert ("aws:elbv2:listener:default", "Rules") in shown(effective(WEB, [], []))


def test_a_removed_setting_is_the_bundles_again() -> None:
    set_ = [Setting(COMMAND, "Timeout", "200"), Setting(GROUP, "MinSize", "2", "AWSEBAutoScalingGroup")]
    left = without(set_, [Setting(COMMAND, "Timeout"), Setting(GROUP, "MinSize")])
    assert left == []


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (
            Setting(COMMAND, "Timeot", "1"),
            f"Invalid option specification (Namespace: '{COMMAND}', OptionName: 'Timeot'): Unknown configuration setting.",
        ),
        (
            Setting(COMMAND, "BatchSizeType", "x"),
            (
                f"Invalid option value: 'x' (Namespace: '{COMMAND}', OptionName: 'BatchSizeType'): "
                "Value is not one of the allowed values: [Percentage, Fixed]"
            ),
        ),
        (
            Setting(COMMAND, "Timeout", "0"),
            (
                f"Invalid option value: '0' (Namespace: '{COMMAND}', OptionName: 'Timeout'): "
                "Value is less than minimum allowed value: 1"
            ),
        ),
        (
            Setting("aws:autoscaling:scheduledaction", "Recurrence", "0 0 6 * * 1-5", "night"),
            (
                "Invalid option value: '0 0 6 * * 1-5' (Namespace: 'aws:autoscaling:scheduledaction', OptionName: "
                "'Recurrence'): Given recurrence string: 0 0 6 * * 1-5 is invalid"
            ),
        ),
        (
            Setting("aws:ec2:vpc", "VPCId", "vpc-1"),
            "Invalid option value: 'null' (Namespace: 'aws:ec2:vpc', OptionName: 'Subnets'): Specify the subnets for the VPC.",
        ),
        (
            Setting(GROUP, "MinSize", "9"),
            (
                f"Invalid option value: '9' (Namespace: '{GROUP}', OptionName: 'MinSize'): "
                "Value is greater than maximum allowed value: 4"
            ),
        ),
        *(
            (
                Setting(GROUP, "MinSize", value),
                f"Invalid option value: '{value}' (Namespace: '{GROUP}', OptionName: 'MinSize'): Value is not a number.",
            )
            for value in ("1.5", "1e2", "nan", "1_0", " 2")
        ),
        (
            Setting("aws:autoscaling:trigger", "UpperThreshold", "20000000.5"),
            (
                "Invalid option value: '20000000.5' (Namespace: 'aws:autoscaling:trigger', OptionName: 'UpperThreshold'): "
                "Value is greater than maximum allowed value: 20000000"
            ),
        ),
        (
            Setting("aws:rds:dbinstance", "HasCoupledDatabase", "true"),
            (
                "Invalid option value: 'true' (Namespace: 'aws:rds:dbinstance', OptionName: 'HasCoupledDatabase'): "
                "Ashore makes no databases of environments: make one outside and hand its address over in a property."
            ),
        ),
    ],
)
def test_what_does_not_hold_is_told_in_the_services_words(setting: Setting, text: str) -> None:
    (message,) = validate([setting], Trait.DOCKER, effective(WEB, [], [setting]))
    assert message.text == text


def test_options_of_another_platform_are_unknown() -> None:
    setting = Setting("aws:elasticbeanstalk:container:python", "WSGIPath", "app")
    assert validate([setting], Trait.DOCKER, [])
    assert not validate([setting], Trait.PYTHON, [])


def test_the_defaults_hold() -> None:
    for platform in (Trait.DOCKER, Trait.PYTHON, Trait.TOMCAT):
        for tier in ("WebServer", "Worker"):
            traits = traits_of(platform, tier, [])
            whole = effective(traits, [], [])
            assert validate(whole, platform, whole) == []


@pytest.mark.parametrize(
    ("setting", "change"),
    [
        (Setting(PROPERTY, "COLOUR", "red"), Change.ON_INSTANCES),
        (Setting(GROUP, "MinSize", "2"), Change.IN_PLACE),
        (Setting("aws:autoscaling:launchconfiguration", "EC2KeyName", "mine"), Change.REPLACE),
        (Setting(COMMAND, "Timeout", "600"), Change.NONE),
    ],
)
def test_what_a_change_asks_for(setting: Setting, change: Change) -> None:
    assert kind_of_change(WEB, effective(WEB, [], []), effective(WEB, [], [setting])) is change


@given(_settings, _settings)
def test_a_change_and_the_way_back_ask_for_the_same(one: list[Setting], other: list[Setting]) -> None:
    before, after = effective(WEB, [], one), effective(WEB, [], other)
    there, back = kind_of_change(WEB, before, after), kind_of_change(WEB, after, before)
    assert there is back
    had, has = ({key: value for key, value in shown(each).items() if value is not None} for each in (before, after))
    assert (there is Change.NONE) == (had == has)


def test_an_option_that_differs_by_platform() -> None:
    docker = find_for("aws:elasticbeanstalk:environment:proxy", "ProxyServer", WEB)
    python = find_for("aws:elasticbeanstalk:environment:proxy", "ProxyServer", traits_of(Trait.PYTHON, "WebServer", []))
    assert docker is not None
    assert python is not None
    assert (docker.values, python.values) == (("nginx", "none"), ("nginx", "apache"))
