"""Platforms and options of Elastic Beanstalk as boto3 sees them."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

DOCKER = "64bit Amazon Linux 2023 v4.6.0 running Docker"
BRANCH = "Docker running on 64bit Amazon Linux 2023"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("platforms") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


@pytest.fixture
def eb(server: RunningServer) -> Any:
    return server.client("elasticbeanstalk")


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_stacks_without_retired_ones(eb: Any) -> None:
    found = eb.list_available_solution_stacks()
    assert DOCKER in found["SolutionStacks"]
    assert not any("Node.js 18" in name for name in found["SolutionStacks"])
    kinds = {item["SolutionStackName"]: item["PermittedFileTypes"] for item in found["SolutionStackDetails"]}
    assert kinds["64bit Amazon Linux 2023 v5.7.0 running Tomcat 11 Corretto 21"] == ["war", "zip"]


def test_branches_by_filters_and_pages(eb: Any) -> None:
    (docker,) = eb.list_platform_branches(Filters=[{"Attribute": "BranchName", "Operator": "=", "Values": [BRANCH]}])[
        "PlatformBranchSummaryList"
    ]
    assert (docker["PlatformName"], docker["LifecycleState"], docker["BranchOrder"]) == ("Docker", "Supported", 1)
    python = [{"Attribute": "PlatformName", "Operator": "=", "Values": ["Python"]}]
    supported = [*python, {"Attribute": "LifecycleState", "Operator": "in", "Values": ["supported", "beta"]}]
    everything = eb.list_platform_branches(Filters=supported)["PlatformBranchSummaryList"]
    assert len(everything) == 4
    first = eb.list_platform_branches(Filters=supported, MaxRecords=3)
    rest = eb.list_platform_branches(Filters=supported, MaxRecords=3, NextToken=first["NextToken"])
    assert first["PlatformBranchSummaryList"] + rest["PlatformBranchSummaryList"] == everything
    assert "NextToken" not in rest
    bad = [{"Attribute": "TierType", "Operator": "contains", "Values": ["x"]}]
    assert refused(eb.list_platform_branches, Filters=bad)[0] == "InvalidParameterValue"
    assert refused(eb.list_platform_branches, NextToken="x")[0] == "InvalidParameterValue"


def test_versions_by_filters(eb: Any) -> None:
    def arns(*filters: tuple[str, str, str]) -> list[str]:
        asked = [{"Type": kind, "Operator": operator, "Values": [value]} for kind, operator, value in filters]
        return [item["PlatformArn"] for item in eb.list_platform_versions(Filters=asked)["PlatformSummaryList"]]

    (docker,) = arns(("PlatformBranchName", "=", BRANCH))
    assert arns(("PlatformVersion", "=", "latest"), ("PlatformName", "=", BRANCH)) == [docker]
    assert docker in arns(("PlatformOwner", "=", "AWSElasticBeanstalk"), ("PlatformLifecycleState", "=", "Recommended"))
    assert arns(("PlatformOwner", "=", "self")) == []
    assert len(arns(("ProgrammingLanguageName", "=", "Python"), ("PlatformVersion", ">=", "4.0.0"))) == 4
    found = eb.describe_platform_version(PlatformArn=docker)["PlatformDescription"]
    assert (found["SolutionStackName"], found["PlatformStatus"]) == (DOCKER, "Ready")
    assert refused(eb.describe_platform_version, PlatformArn=f"{docker}0")[0] == "InvalidParameterValue"


def test_options_of_a_stack(eb: Any) -> None:
    found = eb.describe_configuration_options(SolutionStackName=DOCKER)
    assert found["PlatformArn"].endswith(f"/{BRANCH}/4.6.0")
    places = [(item["Namespace"], item["Name"]) for item in found["Options"]]
    assert places == sorted(places)
    asked = [{"Namespace": "aws:elasticbeanstalk:command", "OptionName": "BatchSizeType"}]
    (only,) = eb.describe_configuration_options(SolutionStackName=DOCKER, Options=asked)["Options"]
    assert (only["DefaultValue"], only["ValueOptions"]) == ("Percentage", ["Percentage", "Fixed"])
    message = "No Solution Stack named '64bit x v1.0.0 running y' found."
    stack = {"SolutionStackName": "64bit x v1.0.0 running y"}
    assert refused(eb.describe_configuration_options, **stack) == ("InvalidParameterValue", message)
    assert refused(eb.describe_configuration_options)[0] == "MissingRequiredParameter"
