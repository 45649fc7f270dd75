"""Saved configurations of Elastic Beanstalk, and configurations of environments, as boto3 and `eb config` see them."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.contract.beanstalk_scene import DOCKER, add_profile, add_version, launch, post, refused, settings, until
from tests.running import RunningServer

COMMAND = "aws:elasticbeanstalk:command"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
STORAGE = "elasticbeanstalk-us-east-1-000000000000"
DOCKER_ARN = "arn:aws:elasticbeanstalk:us-east-1::platform/Docker running on 64bit Amazon Linux 2023/4.6.0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("templates") / "state", runtime="simulated", clock="paused")
    add_profile(running)
    add_version(running, "shop", "v1")
    yield running
    running.stop()


@pytest.fixture
def eb(server: RunningServer) -> Any:
    return server.client("elasticbeanstalk")


def setting(namespace: str, name: str, value: str) -> dict[str, str]:
    return {"Namespace": namespace, "OptionName": name, "Value": value}


def values(shown: Any) -> dict[tuple[str, str], str | None]:
    return {(one["Namespace"], one["OptionName"]): one.get("Value") for one in shown["OptionSettings"]}


def described(eb: Any, name: str) -> Any:
    (found,) = eb.describe_configuration_settings(ApplicationName="shop", TemplateName=name)["ConfigurationSettings"]
    return found


def saved(server: RunningServer, name: str) -> Any:
    body = server.client("s3").get_object(Bucket=STORAGE, Key=f"resources/templates/shop/{name}")["Body"].read()
    return yaml.safe_load(body)


def test_a_template_of_a_stack_is_saved_as_a_file_changed_and_removed(server: RunningServer, eb: Any) -> None:
    made = eb.create_configuration_template(
        ApplicationName="shop",
        TemplateName="small",
        SolutionStackName=DOCKER,
        Description="first",
        OptionSettings=[setting(COMMAND, "Timeout", "100"), setting(PROPERTIES, "COLOUR", "true")],
    )
    assert (made["TemplateName"], made["PlatformArn"], made["Description"]) == ("small", DOCKER_ARN, "first")
    assert "EnvironmentName" not in made
    assert values(made)[COMMAND, "Timeout"] == "100"
    document = saved(server, "small")
    assert document["OptionSettings"] == {COMMAND: {"Timeout": "100"}, PROPERTIES: {"COLOUR": "true"}}
    assert document["Platform"] == {"PlatformArn": DOCKER_ARN}
    assert document["AWSConfigurationTemplateVersion"] == "1.1.0.0"
    assert document["EnvironmentTier"] == {"Name": "WebServer", "Type": "Standard"}
    (application,) = eb.describe_applications(ApplicationNames=["shop"])["Applications"]
    assert "small" in application["ConfigurationTemplates"]
    again = {"ApplicationName": "shop", "TemplateName": "small", "SolutionStackName": DOCKER}
    assert refused(eb.create_configuration_template, **again) == (
        "InvalidParameterValue",
        "Configuration Template small already exists.",
    )
    changed = eb.update_configuration_template(
        ApplicationName="shop",
        TemplateName="small",
        Description="",
        OptionSettings=[setting(COMMAND, "Timeout", "200")],
        OptionsToRemove=[{"Namespace": PROPERTIES, "OptionName": "COLOUR"}],
    )
    assert "Description" not in changed
    assert saved(server, "small")["OptionSettings"] == {COMMAND: {"Timeout": "200"}}
    eb.delete_configuration_template(ApplicationName="shop", TemplateName="small")
    assert refused(eb.describe_configuration_settings, ApplicationName="shop", TemplateName="small") == (
        "InvalidParameterValue",
        "No Configuration Template named 'shop/small' found.",
    )


def test_a_template_of_a_template_keeps_what_is_not_given_anew(eb: Any) -> None:
    settings = [setting(COMMAND, "Timeout", "100"), setting(COMMAND, "BatchSize", "50")]
    names = {"ApplicationName": "shop"}
    eb.create_configuration_template(**names, TemplateName="base", PlatformArn=DOCKER_ARN, OptionSettings=settings)
    made = eb.create_configuration_template(
        **names,
        TemplateName="derived",
        SourceConfiguration={"ApplicationName": "shop", "TemplateName": "base"},
        OptionSettings=[setting(COMMAND, "Timeout", "300")],
    )
    assert (values(made)[COMMAND, "Timeout"], values(made)[COMMAND, "BatchSize"]) == ("300", "50")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ("InvalidParameterValue", "Unable to determine base for template pack (no solution stack)")),
        ({"SolutionStackName": "x"}, ("InvalidParameterValue", "No Solution Stack named 'x' found.")),
        (
            {"EnvironmentId": "e-none"},
            ("InvalidParameterValue", "No Environment found for EnvironmentId = 'e-none'."),
        ),
        ({"SolutionStackName": DOCKER, "PlatformArn": DOCKER_ARN}, ("InvalidParameterCombination", None)),
        (
            {"EnvironmentId": "e-none", "SourceConfiguration": {"ApplicationName": "shop", "TemplateName": "x"}},
            ("InvalidParameterCombination", None),
        ),
        (
            {"SourceConfiguration": {"ApplicationName": "shop", "TemplateName": "x"}},
            ("InvalidParameterValue", "No Configuration Template named 'shop/x' found."),
        ),
        (
            {"SolutionStackName": DOCKER, "OptionSettings": [setting(COMMAND, "Timeot", "1")]},
            (
                "ConfigurationValidationException",
                (
                    f"Configuration validation exception: Invalid option specification (Namespace: '{COMMAND}', "
                    "OptionName: 'Timeot'): Unknown configuration setting."
                ),
            ),
        ),
        ({"TemplateName": "a/b", "SolutionStackName": DOCKER}, ("InvalidParameterValue", None)),
    ],
)
def test_bad_templates_are_refused_and_leave_nothing(eb: Any, request_: Any, expected: tuple[str, str | None]) -> None:
    names = {"ApplicationName": "shop", "TemplateName": "bad"}
    code, message = refused(eb.create_configuration_template, **{**names, **request_})
    assert (code, message if expected[1] else None) == expected
    assert "bad" not in eb.describe_applications(ApplicationNames=["shop"])["Applications"][0]["ConfigurationTemplates"]


def test_settings_are_validated_for_a_template(eb: Any) -> None:
    names = {"ApplicationName": "shop", "TemplateName": "validated"}
    eb.create_configuration_template(**names, SolutionStackName=DOCKER)
    check = eb.validate_configuration_settings
    assert check(**names, OptionSettings=[setting(COMMAND, "Timeout", "100")])["Messages"] == []
    found = check(**names, OptionSettings=[setting(COMMAND, "Timeot", "1"), setting(COMMAND, "BatchSizeType", "x")])
    assert found["Messages"] == [
        {
            "Message": f"Invalid option specification (Namespace: '{COMMAND}', OptionName: 'Timeot'): "
            "Unknown configuration setting.",
            "Severity": "error",
            "Namespace": COMMAND,
            "OptionName": "Timeot",
        },
        {
            "Message": f"Invalid option value: 'x' (Namespace: '{COMMAND}', OptionName: 'BatchSizeType'): "
            "Value is not one of the allowed values: [Percentage, Fixed]",
            "Severity": "error",
            "Namespace": COMMAND,
            "OptionName": "BatchSizeType",
        },
    ]
    assert eb.validate_configuration_settings(**names, OptionSettings=[])["Messages"] == []
    assert refused(check, ApplicationName="shop", OptionSettings=[])[0] == "MissingRequiredParameter"
    both = {**names, "EnvironmentName": "some-env"}
    assert refused(check, **both, OptionSettings=[])[0] == "InvalidParameterCombination"
    assert described(eb, "validated")["OptionSettings"]  # nothing was changed


def test_a_file_that_was_put_is_a_saved_configuration(server: RunningServer, eb: Any) -> None:
    s3 = server.client("s3")

    def put(name: str, document: Any) -> None:
        body = document if isinstance(document, bytes) else yaml.safe_dump(document).encode()
        s3.put_object(
            Bucket=eb.create_storage_location()["S3Bucket"], Key=f"resources/templates/shop/{name}", Body=body
        )

    document = {
        "AWSConfigurationTemplateVersion": "1.1.0.0",
        "Platform": {"PlatformArn": DOCKER_ARN},
        "EnvironmentTier": {"Name": "Worker", "Type": "SQS/HTTP"},
        "OptionSettings": {COMMAND: {"Timeout": 55}, "AWSEBAutoScalingGroup.aws:autoscaling:asg": {"MinSize": "2"}},
    }
    put("brought", document)
    found = described(eb, "brought")
    assert (values(found)[COMMAND, "Timeout"], values(found)["aws:autoscaling:asg", "MinSize"]) == ("55", "2")
    put("brought", {**document, "OptionSettings": {COMMAND: {"Timeout": "66"}}})
    assert values(described(eb, "brought"))[COMMAND, "Timeout"] == "66"
    put("wrong", {**document, "OptionSettings": {COMMAND: {"DeploymentPolicy": "Bogus"}}})
    wrong = {"ApplicationName": "shop", "EnvironmentName": "bogus", "TemplateName": "wrong"}
    assert refused(eb.create_environment, **wrong)[0] == "ConfigurationValidationException"
    for broken in (b"{", b"\xff", b"[]", b"a: b", yaml.safe_dump({**document, "Platform": {}}).encode()):
        put("broken", broken)
        call = eb.describe_configuration_settings
        assert refused(call, ApplicationName="shop", TemplateName="broken")[0] == "InvalidParameterValue"


def test_configurations_of_an_environment(server: RunningServer, eb: Any) -> None:
    eb.create_configuration_template(
        ApplicationName="shop",
        TemplateName="single",
        SolutionStackName=DOCKER,
        OptionSettings=settings(COLOUR="red"),
    )
    made = eb.create_environment(
        ApplicationName="shop", EnvironmentName="templated", TemplateName="single", VersionLabel="v1"
    )
    until(server, made["EnvironmentId"], "Ready")
    of_environment = eb.create_configuration_template(
        ApplicationName="shop", TemplateName="taken", EnvironmentId=made["EnvironmentId"]
    )
    assert values(of_environment)[PROPERTIES, "COLOUR"] == "red"
    assert of_environment["PlatformArn"] == DOCKER_ARN

    def shown() -> list[Any]:
        found = eb.describe_configuration_settings(ApplicationName="shop", EnvironmentName="templated")
        return list(found["ConfigurationSettings"])

    assert [one["DeploymentStatus"] for one in shown()] == ["deployed"]
    eb.delete_environment_configuration(ApplicationName="shop", EnvironmentName="templated")  # there is none
    assert refused(eb.delete_environment_configuration, ApplicationName="shop", EnvironmentName="none") == (
        "InvalidParameterValue",
        "No Environment found for EnvironmentName = 'none'.",
    )
    eb.update_environment(EnvironmentName="templated", OptionSettings=[setting(PROPERTIES, "COLOUR", "blue")])
    assert shown()[0]["DeploymentStatus"] == "deployed"
    until(server, made["EnvironmentId"], "Ready")
    (after,) = shown()
    assert values(after)[PROPERTIES, "COLOUR"] == "blue"
    assert values(described(eb, "single"))[PROPERTIES, "COLOUR"] == "red"


def test_eb_config_save_and_clone_name_an_environment(server: RunningServer, eb: Any) -> None:
    environment = launch(server, "shop", "original", VersionLabel="v1")
    form = (
        "Action=CreateConfigurationTemplate&Version=2010-12-01&ApplicationName=shop&TemplateName=cloned"
        "&TemplateSpecification.TemplateSource.EnvironmentName=original"
    )
    answer = post(server, form)
    assert "<TemplateName>cloned</TemplateName>" in answer
    assert environment
    assert values(described(eb, "cloned"))["aws:elasticbeanstalk:environment", "EnvironmentType"] == "SingleInstance"


def test_a_database_is_refused_and_not_left_out(server: RunningServer) -> None:
    form = (
        "Action=CreateEnvironment&Version=2010-12-01&ApplicationName=shop&EnvironmentName=with-database"
        "&TemplateSpecification.TemplateSnippets.member.1.SnippetName=RdsExtensionEB"
        "&TemplateSpecification.TemplateSnippets.member.1.Order=10000"
    )
    assert "Ashore makes no databases of environments" in post(server, form)
