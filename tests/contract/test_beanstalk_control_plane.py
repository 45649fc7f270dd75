"""Events, tags, names and roles of Elastic Beanstalk as boto3 sees them, around an environment that runs."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk_scene import DOCKER, add_profile, add_version, launch, refused, settings, until
from tests.running import RunningServer

ARN = "arn:aws:elasticbeanstalk:us-east-1:000000000000:"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("control") / "state", runtime="simulated", clock="paused")
    add_profile(running)
    add_version(running, "shop", "v1")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def environment(server: RunningServer) -> str:
    return launch(server, "shop", "prod", VersionLabel="v1", CNAMEPrefix="taken")


@pytest.fixture
def eb(server: RunningServer) -> Any:
    return server.client("elasticbeanstalk")


def messages(eb: Any, **request: Any) -> list[str]:
    return [event["Message"] for event in reversed(eb.describe_events(**request)["Events"])]


def test_events_are_told_apart_by_their_instants_and_found_by_request(eb: Any) -> None:
    made = eb.create_application(ApplicationName="told")
    request_id = made["ResponseMetadata"]["RequestId"]
    texts = [
        "createApplication is starting.",
        "Created new Application: told",
        "createApplication completed successfully.",
    ]
    assert messages(eb, RequestId=request_id) == texts
    assert messages(eb, ApplicationName="told") == texts
    events = eb.describe_events(ApplicationName="told")["Events"]
    instants = [event["EventDate"] for event in events]
    assert instants == sorted(set(instants), reverse=True)
    middle = events[1]["EventDate"]
    assert messages(eb, ApplicationName="told", StartTime=middle) == texts[1:]
    assert messages(eb, ApplicationName="told", EndTime=middle) == texts[:1]
    assert messages(eb, ApplicationName="told", Severity="WARN") == []
    assert messages(eb, ApplicationName="told", Severity="DEBUG") == texts
    pages = eb.get_paginator("describe_events").paginate(ApplicationName="told", PaginationConfig={"PageSize": 1})
    assert [event["Message"] for page in pages for event in page["Events"]] == texts[::-1]
    assert refused(eb.describe_events, NextToken="x")[0] == "InvalidParameterValue"
    assert refused(eb.describe_events, Severity="LOUD")[0] == "ValidationError"
    assert refused(eb.describe_events, MaxRecords=1001)[0] == "ValidationError"


def test_events_of_a_version_and_of_an_environment(eb: Any, environment: str) -> None:
    assert messages(eb, ApplicationName="shop", VersionLabel="v1")[1] == "Created new Application Version: v1"
    events = eb.describe_events(EnvironmentName="prod")["Events"]
    assert events == eb.describe_events(EnvironmentId=environment)["Events"]
    assert len({event["EventDate"] for event in events}) == len(events) > 3
    assert messages(eb, EnvironmentId=environment)[0] == "createEnvironment is starting."
    assert messages(eb, EnvironmentId="e-none") == []


@pytest.mark.usefixtures("environment")
def test_names_are_available_or_not(eb: Any) -> None:
    free = eb.check_dns_availability(CNAMEPrefix="free-name")
    assert free["Available"] is True
    assert free["FullyQualifiedCNAME"].startswith("free-name.us-east-1.elasticbeanstalk.")
    assert eb.check_dns_availability(CNAMEPrefix="TAKEN")["Available"] is False
    assert refused(eb.check_dns_availability, CNAMEPrefix="-bad-")[0] == "InvalidParameterValue"


@pytest.mark.parametrize("resource", ["application/shop", "applicationversion/shop/v1"])
def test_tags_of_what_does_not_run(eb: Any, resource: str) -> None:
    def tags() -> dict[str, str]:
        found = eb.list_tags_for_resource(ResourceArn=ARN + resource)
        assert found["ResourceArn"] == ARN + resource
        return {tag["Key"]: tag["Value"] for tag in found["ResourceTags"]}

    added = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    eb.update_tags_for_resource(ResourceArn=ARN + resource, TagsToAdd=added)
    eb.update_tags_for_resource(
        ResourceArn=ARN + resource, TagsToAdd=[{"Key": "a", "Value": "3"}], TagsToRemove=["b", "unknown"]
    )
    assert tags() == {"a": "3"}
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    assert refused(eb.update_tags_for_resource, ResourceArn=ARN + resource, TagsToAdd=many)[0] == "TooManyTagsException"
    assert tags() == {"a": "3"}


def test_tags_of_an_environment_are_an_update_of_it(server: RunningServer, eb: Any, environment: str) -> None:
    arn = ARN + "environment/shop/prod"
    done = eb.update_tags_for_resource(ResourceArn=arn, TagsToAdd=[{"Key": "team", "Value": "a"}])
    until(server, environment, "Ready")
    assert messages(eb, RequestId=done["ResponseMetadata"]["RequestId"]) == [
        "Environment tag update is starting.",
        "Environment tag update completed successfully.",
    ]
    found = {tag["Key"]: tag["Value"] for tag in eb.list_tags_for_resource(ResourceArn=arn)["ResourceTags"]}
    assert found == {
        "elasticbeanstalk:environment-name": "prod",
        "elasticbeanstalk:environment-id": environment,
        "Name": "prod",
        "team": "a",
    }
    for key in ("Name", "elasticbeanstalk:environment-id", "aws:x"):
        assert refused(eb.update_tags_for_resource, ResourceArn=arn, TagsToRemove=[key])[0] == "InvalidParameterValue"
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(47)]
    assert refused(eb.update_tags_for_resource, ResourceArn=arn, TagsToAdd=many)[0] == "TooManyTagsException"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (ARN + "application/none", "ResourceNotFoundException"),
        (ARN + "environment/shop/none", "ResourceNotFoundException"),
        (ARN + "environment/other/prod", "ResourceNotFoundException"),
        (ARN.replace("0" * 12, "5" * 12) + "application/shop", "ResourceNotFoundException"),
        (ARN + "solutionstack/x", "ResourceTypeNotSupportedException"),
        ("nonsense", "ResourceNotFoundException"),
    ],
)
def test_tags_of_what_is_not_there(eb: Any, arn: str, code: str) -> None:
    assert refused(eb.list_tags_for_resource, ResourceArn=arn)[0] == code
    assert refused(eb.update_tags_for_resource, ResourceArn=arn, TagsToRemove=["x"])[0] == code


def test_nothing_to_change_is_refused(eb: Any) -> None:
    assert refused(eb.update_tags_for_resource, ResourceArn=ARN + "application/shop")[0] == "InvalidParameterValue"


@pytest.mark.usefixtures("environment")
def test_an_operations_role_is_associated_and_disassociated(eb: Any) -> None:
    def role() -> Any:
        return eb.describe_environments(EnvironmentNames=["prod"])["Environments"][0].get("OperationsRole")

    eb.associate_environment_operations_role(EnvironmentName="prod", OperationsRole="arn:aws:iam::1:role/r")
    assert role() == "arn:aws:iam::1:role/r"
    eb.disassociate_environment_operations_role(EnvironmentName="prod")
    assert role() is None
    assert refused(eb.disassociate_environment_operations_role, EnvironmentName="none") == (
        "InvalidParameterValue",
        "No Environment found for EnvironmentName = 'none'.",
    )


def test_a_version_that_runs_is_not_deleted_nor_is_its_application(eb: Any, environment: str) -> None:
    assert environment
    assert refused(eb.delete_application_version, ApplicationName="shop", VersionLabel="v1")[1].startswith(
        "Unable to delete application version v1 because it is deployed to "
    )
    assert refused(eb.delete_application, ApplicationName="shop") == (
        "InvalidParameterValue",
        "Unable to delete application shop because it has a version that is deployed to a running environment.",
    )


def test_a_version_that_is_being_deployed_or_was_to_some_instances_is_not_deleted(
    server: RunningServer, eb: Any
) -> None:
    for label in ("x1", "x2"):
        add_version(server, "rolling", label)
    environment = launch(server, "rolling", "rolling-env", VersionLabel="x1")
    eb.update_environment(EnvironmentName="rolling-env", VersionLabel="x2")
    for label in ("x1", "x2"):
        code, message = refused(eb.delete_application_version, ApplicationName="rolling", VersionLabel=label)
        assert (code, message.partition(" because")[0]) == (
            "InvalidParameterValue",
            f"Unable to delete application version {label}",
        )
    until(server, environment, "Ready")
    eb.delete_application_version(ApplicationName="rolling", VersionLabel="x1", DeleteSourceBundle=True)


def test_traffic_splitting_needs_an_application_load_balancer(eb: Any) -> None:
    command = {
        "Namespace": "aws:elasticbeanstalk:command",
        "OptionName": "DeploymentPolicy",
        "Value": "TrafficSplitting",
    }
    code, message = refused(
        eb.create_environment,
        ApplicationName="shop",
        EnvironmentName="split",
        SolutionStackName=DOCKER,
        OptionSettings=[*settings(), command],
    )
    assert code == "ConfigurationValidationException"
    assert message.endswith("An Application Load Balancer is required for this deployment policy.")


def test_an_application_takes_its_environments_along_by_force(server: RunningServer, eb: Any) -> None:
    add_version(server, "doomed", "w1")
    environment = launch(server, "doomed", "doomed-env", VersionLabel="w1")
    done = eb.delete_application(ApplicationName="doomed", TerminateEnvByForce=True)
    going = ("InvalidParameterValue", "Application doomed is being deleted.")
    made = {"ApplicationName": "doomed", "SolutionStackName": DOCKER}
    assert refused(eb.create_environment, EnvironmentName="doomed-too", **made) == going
    assert refused(eb.create_configuration_template, TemplateName="late", **made) == going
    assert refused(eb.create_application_version, ApplicationName="doomed", VersionLabel="w2") == going
    assert refused(eb.compose_environments, ApplicationName="doomed", VersionLabels=["w1"]) == going
    assert refused(eb.delete_application, ApplicationName="doomed")[0] == "OperationInProgressFailure"
    server.kill()
    server.start()
    until(server, environment, "Terminated")
    server.admin("POST", "clock", {"advance": 5})
    assert eb.describe_applications(ApplicationNames=["doomed"])["Applications"] == []
    assert eb.describe_application_versions(ApplicationName="doomed")["ApplicationVersions"] == []
    told = messages(eb, RequestId=done["ResponseMetadata"]["RequestId"])
    assert told[0] == "terminateEnvironment is starting.", told
    assert told[-1] == "The application has been deleted successfully.", told[-5:]
