"""Applications and versions of Elastic Beanstalk as boto3 sees them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk_scene import BUCKET, post, refused, zipped
from tests.running import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("applications") / "state", runtime="simulated", clock="paused")
    running.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    running.stop()


@pytest.fixture
def eb(server: RunningServer) -> Any:
    return server.client("elasticbeanstalk")


def put(server: RunningServer, key: str, body: bytes = b"x", bucket: str = BUCKET) -> dict[str, str]:
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return {"S3Bucket": bucket, "S3Key": key}


def test_an_application_is_made_shown_changed_and_removed(eb: Any) -> None:
    assert refused(eb.update_application, ApplicationName="shop") == (
        "InvalidParameterValue",
        "No Application named 'shop' found.",
    )
    made = eb.create_application(ApplicationName="shop", Description="first", Tags=[{"Key": "team", "Value": "a"}])
    shown = made["Application"]
    assert shown["ApplicationArn"] == "arn:aws:elasticbeanstalk:us-east-1:000000000000:application/shop"
    assert (shown["Versions"], shown["ConfigurationTemplates"]) == ([], [])
    rules = shown["ResourceLifecycleConfig"]["VersionLifecycleConfig"]
    assert rules["MaxCountRule"] == {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False}
    assert refused(eb.create_application, ApplicationName="shop") == (
        "InvalidParameterValue",
        "Application shop already exists.",
    )
    assert eb.update_application(ApplicationName="shop")["Application"]["Description"] == "first"
    assert "Description" not in eb.update_application(ApplicationName="shop", Description="")["Application"]
    assert [
        one["ApplicationName"] for one in eb.describe_applications(ApplicationNames=["shop", "none"])["Applications"]
    ] == ["shop"]
    eb.delete_application(ApplicationName="shop")
    assert eb.describe_applications(ApplicationNames=["shop"])["Applications"] == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"ApplicationName": "a/b"}, "InvalidParameterValue"),
        ({"ApplicationName": "a" * 101}, "ValidationError"),
        ({"ApplicationName": "a", "Description": "d" * 201}, "ValidationError"),
        ({"ApplicationName": "a", "Tags": [{"Key": "aws:x", "Value": "y"}]}, "InvalidParameterValue"),
        ({"ApplicationName": "a", "Tags": [{"Key": f"k{n}", "Value": "y"} for n in range(51)]}, "TooManyTagsException"),
    ],
)
def test_bad_applications_are_refused_and_leave_nothing(eb: Any, request_: dict[str, Any], code: str) -> None:
    assert refused(eb.create_application, **request_)[0] == code
    assert not [one for one in eb.describe_applications()["Applications"] if one["ApplicationName"].startswith("a")]


def test_the_75th_application_is_the_last(server: RunningServer) -> None:
    eb = server.client("elasticbeanstalk", account="333333333333")
    for number in range(75):
        eb.create_application(ApplicationName=f"app-{number}")
    assert refused(eb.create_application, ApplicationName="one-more") == (
        "TooManyApplicationsException",
        "You cannot have more than 75 Applications. Either remove some Applications or request a limit increase.",
    )
    assert eb.describe_account_attributes()["ResourceQuotas"]["ApplicationQuota"] == {"Maximum": 75}


def test_versions_newest_first_by_pages(server: RunningServer, eb: Any) -> None:
    source = put(server, "one.zip")
    assert refused(eb.create_application_version, ApplicationName="paged", VersionLabel="v0") == (
        "InvalidParameterValue",
        "No Application named 'paged' found.",
    )
    for number in range(5):
        made = eb.create_application_version(
            ApplicationName="paged", VersionLabel=f"v{number}", SourceBundle=source, AutoCreateApplication=True
        )["ApplicationVersion"]
        assert (made["Status"], made["SourceBundle"]) == ("UNPROCESSED", source)
    (application,) = eb.describe_applications(ApplicationNames=["paged"])["Applications"]
    assert application["Versions"] == ["v4", "v3", "v2", "v1", "v0"]
    pages = eb.get_paginator("describe_application_versions").paginate(
        ApplicationName="paged", PaginationConfig={"PageSize": 2}
    )
    labels = [[one["VersionLabel"] for one in page["ApplicationVersions"]] for page in pages]
    assert labels == [["v4", "v3"], ["v2", "v1"], ["v0"]]
    assert eb.describe_application_versions(ApplicationName="nobody")["ApplicationVersions"] == []
    found = eb.describe_application_versions(ApplicationName="paged", VersionLabels=["v1", "x"])["ApplicationVersions"]
    assert [one["VersionLabel"] for one in found] == ["v1"]
    assert refused(eb.create_application_version, ApplicationName="paged", VersionLabel="v1") == (
        "InvalidParameterValue",
        "Application Version v1 already exists.",
    )
    changed = eb.update_application_version(ApplicationName="paged", VersionLabel="v1", Description="d")
    assert changed["ApplicationVersion"]["Description"] == "d"
    assert refused(eb.update_application_version, ApplicationName="paged", VersionLabel="x") == (
        "InvalidParameterValue",
        "No Application Version named 'x' found.",
    )


def test_a_source_must_exist_be_near_and_be_had(server: RunningServer, eb: Any) -> None:
    west = server.client("s3", region="us-west-2")
    west.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    far = put(server, "one.zip", bucket="far-away")
    source = put(server, "one.zip")
    build = {"SourceType": "Zip", "SourceRepository": "S3", "SourceLocation": f"{BUCKET}/one.zip"}
    commit = {"SourceType": "Git", "SourceRepository": "CodeCommit", "SourceLocation": "repository/abc"}
    configuration = {"CodeBuildServiceRole": "role", "Image": "image"}
    names = {"ApplicationName": "sourced", "VersionLabel": "v", "AutoCreateApplication": True}

    def code(**request: Any) -> str:
        return refused(eb.create_application_version, **names, **request)[0]

    assert code(SourceBundle={"S3Bucket": "no-such", "S3Key": "x"}) == "InvalidParameterValue"
    assert code(SourceBundle={"S3Bucket": BUCKET, "S3Key": "no-such"}) == "InvalidParameterValue"
    assert code(SourceBundle={"S3Bucket": BUCKET}) == "InvalidParameterValue"
    assert code(SourceBundle=far) == "S3LocationNotInServiceRegionException"
    assert code(SourceBundle=source, SourceBuildInformation=build) == "InvalidParameterCombination"
    assert code(SourceBundle=source, BuildConfiguration=configuration) == "InvalidParameterCombination"
    assert code(SourceBuildInformation=commit) == "InvalidParameterValue"
    assert code(SourceBuildInformation=build) == "InvalidParameterCombination"
    assert (
        code(SourceBuildInformation=build, BuildConfiguration=configuration) == "CodeBuildNotInServiceRegionException"
    )
    assert eb.describe_applications(ApplicationNames=["sourced"])["Applications"] == []  # all of it, or nothing


def test_processing_reads_manifest_and_configuration_files(server: RunningServer, eb: Any) -> None:
    good = zipped({"env.yaml": "AWSConfigurationTemplateVersion: 1.1.0.0\n", ".ebextensions/a.config": "{}"})
    bad = zipped({".ebextensions/a.config": "option_settings: [\n"})
    for label, body, expected in (("good", good, "PROCESSED"), ("bad", bad, "FAILED"), ("broken", b"no zip", "FAILED")):
        made = eb.create_application_version(
            ApplicationName="processed",
            VersionLabel=label,
            SourceBundle=put(server, f"{label}.zip", body),
            AutoCreateApplication=True,
            Process=True,
        )["ApplicationVersion"]
        assert made["Status"] == "PROCESSING"

        def status(label: str = label) -> str:
            (found,) = eb.describe_application_versions(ApplicationName="processed", VersionLabels=[label])[
                "ApplicationVersions"
            ]
            return str(found["Status"])

        server.wait_until(lambda: status() != "PROCESSING")
        assert status() == expected
    sample = eb.create_application_version(ApplicationName="processed", VersionLabel="sample", Process=True)
    assert "SourceBundle" not in sample["ApplicationVersion"]


def test_processing_survives_kill_9(server: RunningServer, eb: Any) -> None:
    eb.create_application_version(
        ApplicationName="killed",
        VersionLabel="v",
        SourceBundle=put(server, "v.zip", zipped({"Dockerfile": "FROM scratch\n"})),
        AutoCreateApplication=True,
        Process=True,
    )
    server.kill()
    server.start()

    def status() -> str:
        return str(eb.describe_application_versions(ApplicationName="killed")["ApplicationVersions"][0]["Status"])

    server.wait_until(lambda: status() == "PROCESSED")


def test_life_cycle_rules_remove_the_oldest_with_their_sources(server: RunningServer, eb: Any) -> None:
    eb.create_application(ApplicationName="aging")
    rule = {"MaxCountRule": {"Enabled": True, "MaxCount": 2, "DeleteSourceFromS3": True}}
    without_role = {"VersionLifecycleConfig": rule}
    change = eb.update_application_resource_lifecycle
    assert refused(change, ApplicationName="aging", ResourceLifecycleConfig=without_role)[0] == "InvalidParameterValue"
    change(ApplicationName="aging", ResourceLifecycleConfig={"ServiceRole": "role"})
    kept = change(ApplicationName="aging", ResourceLifecycleConfig=without_role)["ResourceLifecycleConfig"]
    assert kept["ServiceRole"] == "role"
    assert kept["VersionLifecycleConfig"]["MaxAgeRule"]["Enabled"] is False
    for number in range(5):
        source = put(server, f"aging-{number}.zip")
        eb.create_application_version(ApplicationName="aging", VersionLabel=f"v{number}", SourceBundle=source)
    (shown,) = eb.describe_applications(ApplicationNames=["aging"])["Applications"]
    assert shown["Versions"] == ["v4", "v3", "v2"]  # the one just made is not counted
    objects = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="aging-")["Contents"]
    assert [one["Key"] for one in objects] == ["aging-2.zip", "aging-3.zip", "aging-4.zip"]
    bad = {"VersionLifecycleConfig": {"MaxCountRule": {"Enabled": True, "MaxCount": 0}}}
    assert refused(change, ApplicationName="aging", ResourceLifecycleConfig=bad)[0] == "InvalidParameterValue"


def test_a_deleted_version_takes_its_source_along_where_asked(server: RunningServer, eb: Any) -> None:
    for label in ("kept", "gone"):
        eb.create_application_version(
            ApplicationName="deleting",
            VersionLabel=label,
            SourceBundle=put(server, f"{label}.source"),
            AutoCreateApplication=True,
        )
        eb.delete_application_version(
            ApplicationName="deleting", VersionLabel=label, DeleteSourceBundle=label == "gone"
        )
    objects = server.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [one["Key"] for one in objects if one["Key"].endswith(".source")] == ["kept.source"]
    assert refused(eb.delete_application_version, ApplicationName="deleting", VersionLabel="gone") == (
        "InvalidParameterValue",
        "No Application Version named 'gone' found.",
    )


def test_the_storage_location_is_made_once(server: RunningServer, eb: Any) -> None:
    assert {eb.create_storage_location()["S3Bucket"] for _ in range(2)} == {"elasticbeanstalk-us-east-1-000000000000"}
    server.client("s3").head_bucket(Bucket="elasticbeanstalk-us-east-1-000000000000")


def test_old_parameter_names_empty_lists_and_the_date_header(server: RunningServer) -> None:
    form = "Operation=CreateApplication&Version=2010-12-01&ApplicationName=old&Tags="
    body = post(server, form)
    assert re.search(r"<CreateApplicationResponse .*<ApplicationName>old</ApplicationName>", body)
