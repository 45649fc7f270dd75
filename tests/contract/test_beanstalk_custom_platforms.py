"""Custom platform versions by boto3: they are taken, looked at and fail with their reason, which no local server can spare them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk_scene import refused, zipped
from tests.running import RunningServer

BUCKET = "definitions"
_DEFINITION = """\
version: "1.0"
provisioner:
  type: packer
  template: tomcat.json
  flavor: amazon
metadata:
  maintainer: the team
  description: Sample platform
  operating_system_name: Amazon Linux
  operating_system_version: "2023"
  programming_language_name: Java
  programming_language_version: "21"
"""
_CANNOT = "Ashore cannot build the platform version: it has no builder environment with Packer, and no AMIs that one could make."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("platforms") / "state", runtime="simulated", clock="paused")
    s3 = running.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, files in (
        ("good.zip", {"platform.yaml": _DEFINITION, "tomcat.json": "{}"}),
        ("bare.zip", {"tomcat.json": "{}"}),
        ("wrong.zip", {"platform.yaml": "provisioner: {type: chef, template: x}"}),
    ):
        s3.put_object(Bucket=BUCKET, Key=key, Body=zipped(files))
    yield running
    running.stop()


@pytest.fixture
def eb(server: RunningServer) -> Any:
    return server.client("elasticbeanstalk")


def create(eb: Any, name: str, key: str = "good.zip", version: str = "1.0.0", **request: Any) -> Any:
    source = {"S3Bucket": BUCKET, "S3Key": key}
    return eb.create_platform_version(
        PlatformName=name, PlatformVersion=version, PlatformDefinitionBundle=source, **request
    )


def said(eb: Any, answer: Any) -> list[tuple[str, str]]:
    """Severity and text of the events of a request, oldest first."""
    events = eb.describe_events(RequestId=answer["ResponseMetadata"]["RequestId"])["Events"]
    return [(event["Severity"], event["Message"]) for event in reversed(events)]


def settle(server: RunningServer) -> None:
    server.admin("POST", "clock", {"advance": 1})


def test_a_version_is_taken_fails_with_its_reason_and_is_removed(server: RunningServer, eb: Any) -> None:
    made = create(eb, "tomcat", Tags=[{"Key": "team", "Value": "a"}])
    arn = "arn:aws:elasticbeanstalk:us-east-1:000000000000:platform/tomcat/1.0.0"
    assert (made["PlatformSummary"]["PlatformArn"], made["PlatformSummary"]["PlatformStatus"]) == (arn, "Creating")
    assert "Builder" not in made
    settle(server)
    assert said(eb, made) == [
        ("INFO", "Initiated platform version creation for 'tomcat/1.0.0'."),
        ("ERROR", _CANNOT),
        ("INFO", "Failed to create platform version 'tomcat/1.0.0'."),
    ]
    assert {event["PlatformArn"] for event in eb.describe_events(PlatformArn=arn)["Events"]} == {arn}
    shown = eb.describe_platform_version(PlatformArn=arn)["PlatformDescription"]
    assert (shown["PlatformStatus"], shown["Maintainer"]) == ("Failed", "the team")
    assert shown["ProgrammingLanguages"] == [{"Name": "Java", "Version": "21"}]
    own = eb.list_platform_versions(Filters=[{"Type": "PlatformOwner", "Operator": "=", "Values": ["self"]}])
    assert arn in [one["PlatformArn"] for one in own["PlatformSummaryList"]]
    assert eb.list_tags_for_resource(ResourceArn=arn)["ResourceTags"] == [{"Key": "team", "Value": "a"}]
    assert refused(create, eb=eb, name="tomcat") == (
        "InvalidParameterValue",
        "Platform version tomcat/1.0.0 already exists.",
    )
    gone = eb.delete_platform_version(PlatformArn=arn)
    assert gone["PlatformSummary"]["PlatformStatus"] == "Deleting"
    settle(server)
    assert said(eb, gone)[-1] == ("INFO", "Successfully deleted platform version 'tomcat/1.0.0'.")
    assert refused(eb.delete_platform_version, PlatformArn=arn)[0] == "InvalidParameterValue"
    assert refused(eb.describe_platform_version, PlatformArn=arn)[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("bare.zip", "The platform definition bundle holds no 'platform.yaml' at its top."),
        ("wrong.zip", "has another type than packer"),
    ],
)
def test_a_bad_definition_fails_with_what_is_wrong_with_it(
    server: RunningServer, eb: Any, key: str, reason: str
) -> None:
    made = create(eb, key.partition(".")[0], key)
    settle(server)
    severity, message = said(eb, made)[1]
    assert severity == "ERROR"
    assert reason in message


def test_what_cannot_be_taken_leaves_nothing(server: RunningServer, eb: Any) -> None:
    for request in (
        {"name": "a/b"},
        {"name": "x", "version": "1.0"},
        {"name": "x", "version": "one.two.three"},
        {"name": "x", "key": "none.zip"},
        {"name": "x", "Tags": [{"Key": "aws:x", "Value": "y"}]},
    ):
        assert refused(create, eb=eb, **request)[0] == "InvalidParameterValue"
    docker = "arn:aws:elasticbeanstalk:us-east-1::platform/Docker running on 64bit Amazon Linux 2023/4.6.0"
    assert refused(eb.delete_platform_version, PlatformArn=docker)[0] == "InvalidParameterValue"
    other = server.client("elasticbeanstalk", account="333333333333")
    own = [{"Type": "PlatformOwner", "Operator": "=", "Values": ["self"]}]
    assert other.list_platform_versions(Filters=own)["PlatformSummaryList"] == []
    names = [one["PlatformArn"] for one in eb.list_platform_versions(Filters=own)["PlatformSummaryList"]]
    assert not [name for name in names if "/x/" in name]


def test_a_version_that_was_taken_ends_after_kill_9(server: RunningServer, eb: Any) -> None:
    made = create(eb, "killed")
    server.kill()
    server.start()
    settle(server)
    assert said(eb, made)[-1] == ("INFO", "Failed to create platform version 'killed/1.0.0'.")


def test_an_account_has_fifty(server: RunningServer) -> None:
    eb = server.client("elasticbeanstalk", account="444444444444")
    s3 = server.client("s3", account="444444444444")
    s3.create_bucket(Bucket="other-definitions")
    s3.put_object(Bucket="other-definitions", Key="good.zip", Body=zipped({"platform.yaml": _DEFINITION}))
    source = {"S3Bucket": "other-definitions", "S3Key": "good.zip"}
    names = {"PlatformName": "many", "PlatformDefinitionBundle": source}
    for number in range(50):
        eb.create_platform_version(PlatformVersion=f"1.0.{number}", **names)
    assert refused(eb.create_platform_version, PlatformVersion="2.0.0", **names)[0] == "TooManyPlatformsException"
