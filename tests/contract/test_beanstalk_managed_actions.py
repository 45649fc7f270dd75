"""Managed actions by boto3: planned for a window, begun in it, applied at once, told of afterwards."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.beanstalk_scene import add_version, refused, until
from tests.running import RunningServer

OLD = "64bit Amazon Linux 2023 v4.5.0 running Docker"
_PLATFORM = "arn:aws:elasticbeanstalk:us-east-1::platform/Docker running on 64bit Amazon Linux 2023"
_MANAGED = "aws:elasticbeanstalk:managedactions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("managed") / "state", runtime="simulated", clock="paused")
    iam = running.client("iam")
    iam.create_role(RoleName="instances", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="instances")
    iam.add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")
    add_version(running, "shop", "v1")
    yield running
    running.stop()


@pytest.fixture
def eb(server: RunningServer) -> Any:
    return server.client("elasticbeanstalk")


def now(server: RunningServer) -> datetime:
    return datetime.fromisoformat(server.admin("POST", "clock", {"advance": 0})["now"])


def window(server: RunningServer, hours: int) -> datetime:
    """The first full hour so many hours ahead."""
    return (now(server) + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)


def advance_to(server: RunningServer, instant: datetime) -> None:
    server.admin("POST", "clock", {"advance": (instant - now(server)).total_seconds()})


def managed(start: datetime, level: str = "minor", *, quick: bool = True) -> list[dict[str, str]]:
    given = {
        (_MANAGED, "ManagedActionsEnabled"): "true",
        (_MANAGED, "PreferredStartTime"): start.strftime("%a:%H:%M"),
        (_MANAGED, "ServiceRoleForManagedUpdates"): "role",
        (f"{_MANAGED}:platformupdate", "UpdateLevel"): level,
        ("aws:elasticbeanstalk:environment", "EnvironmentType"): "SingleInstance",
        ("aws:autoscaling:launchconfiguration", "IamInstanceProfile"): "instances",
        ("aws:elasticbeanstalk:command", "IgnoreHealthCheck"): str(quick).lower(),
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType"): "enhanced",
    }
    return [{"Namespace": space, "OptionName": name, "Value": value} for (space, name), value in sorted(given.items())]


def started(server: RunningServer, name: str, settings: list[dict[str, str]], stack: str = OLD) -> str:
    made = server.client("elasticbeanstalk").create_environment(
        ApplicationName="shop",
        EnvironmentName=name,
        SolutionStackName=stack,
        VersionLabel="v1",
        OptionSettings=settings,
    )
    until(server, made["EnvironmentId"], "Ready")
    return str(made["EnvironmentId"])


def actions(eb: Any, name: str, **request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = eb.describe_environment_managed_actions(EnvironmentName=name, **request)[
        "ManagedActions"
    ]
    return found


def history(eb: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = eb.describe_environment_managed_action_history(EnvironmentName=name)[
        "ManagedActionHistoryItems"
    ]
    return found


def instances(eb: Any, name: str) -> list[str]:
    found = eb.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]["Instances"]
    return [one["Id"] for one in found]


def platform(eb: Any, name: str) -> str:
    return str(eb.describe_environments(EnvironmentNames=[name])["Environments"][-1]["PlatformArn"])


def test_a_platform_update_waits_for_its_window_and_replaces_the_instances(server: RunningServer, eb: Any) -> None:
    start = window(server, 3)
    environment = started(server, "shop-prod", managed(start))
    before = instances(eb, "shop-prod")
    (action,) = actions(eb, "shop-prod")
    assert (action["ActionType"], action["Status"]) == ("PlatformUpdate", "Scheduled")
    assert action["ActionDescription"] == "Platform update from 4.5.0 to 4.6.0"
    assert action["WindowStartTime"] == start
    assert actions(eb, "shop-prod", Status="Running") == []
    advance_to(server, start - timedelta(seconds=1))
    assert platform(eb, "shop-prod") == f"{_PLATFORM}/4.5.0"
    assert history(eb, "shop-prod") == []
    advance_to(server, start)
    until(server, environment, "Ready")
    assert platform(eb, "shop-prod") == f"{_PLATFORM}/4.6.0"
    assert len(instances(eb, "shop-prod")) == 1
    assert instances(eb, "shop-prod") != before
    (done,) = history(eb, "shop-prod")
    assert (done["ActionId"], done["Status"]) == (action["ActionId"], "Completed")
    assert start <= done["ExecutedTime"] <= done["FinishedTime"] < start + timedelta(hours=2)
    assert actions(eb, "shop-prod") == []
    said = [event["Message"] for event in eb.describe_events(EnvironmentName="shop-prod")["Events"]]
    assert any(text.startswith("Created temporary auto scaling group ") for text in said)  # always immutable
    settings = eb.describe_configuration_settings(ApplicationName="shop", EnvironmentName="shop-prod")
    (deployed,) = settings["ConfigurationSettings"]
    kept = {one["OptionName"]: one.get("Value") for one in deployed["OptionSettings"]}
    assert kept["RollingUpdateEnabled"] == "false"  # the environment's own way stays


def test_settings_say_whether_there_is_anything_to_do(server: RunningServer, eb: Any) -> None:
    start = window(server, 3)
    environment = started(server, "shop-calm", managed(start, "patch"))
    assert actions(eb, "shop-calm") == []  # 4.6.0 is no patch of 4.5
    refresh = {"Namespace": f"{_MANAGED}:platformupdate", "OptionName": "InstanceRefreshEnabled", "Value": "true"}
    eb.update_environment(EnvironmentName="shop-calm", OptionSettings=[refresh])
    until(server, environment, "Ready")
    (action,) = actions(eb, "shop-calm")
    assert (action["ActionType"], action["WindowStartTime"]) == ("InstanceRefresh", start)
    before = instances(eb, "shop-calm")
    advance_to(server, start)
    until(server, environment, "Ready")
    assert instances(eb, "shop-calm") != before
    assert platform(eb, "shop-calm") == f"{_PLATFORM}/4.5.0"
    assert [one["Status"] for one in history(eb, "shop-calm")] == ["Completed"]
    (later,) = actions(eb, "shop-calm")
    assert later["WindowStartTime"] == start + timedelta(weeks=1)
    eb.update_environment(EnvironmentName="shop-calm", OptionSettings=[{**refresh, "Value": "false"}])
    until(server, environment, "Ready")
    assert actions(eb, "shop-calm") == []


def test_an_action_applied_at_once_is_aborted_then_applied_again_and_survives_kill_9(
    server: RunningServer, eb: Any
) -> None:
    environment = started(server, "shop-next", managed(window(server, 10), quick=False))
    apply = eb.apply_environment_managed_action
    assert refused(apply, EnvironmentName="shop-next", ActionId="none") == (
        "InvalidParameterValue",
        "No Managed Action found for ActionId = 'none'.",
    )
    (first,) = actions(eb, "shop-next")
    applied = apply(EnvironmentName="shop-next", ActionId=first["ActionId"])
    assert (applied["Status"], applied["ActionType"]) == ("Running", "PlatformUpdate")
    assert refused(apply, EnvironmentName="shop-next", ActionId=first["ActionId"])[0] == (
        "ManagedActionInvalidStateException"
    )
    assert actions(eb, "shop-next", Status="Running") == [{**first, "Status": "Running"}]
    _until_abortable(server, eb, environment)
    eb.abort_environment_update(EnvironmentName="shop-next")
    until(server, environment, "Ready")
    (cancelled,) = history(eb, "shop-next")
    assert (cancelled["Status"], cancelled["FailureType"]) == ("Failed", "UpdateCancelled")
    assert platform(eb, "shop-next") == f"{_PLATFORM}/4.5.0"
    quick = {"Namespace": "aws:elasticbeanstalk:command", "OptionName": "IgnoreHealthCheck", "Value": "true"}
    eb.update_environment(EnvironmentName="shop-next", OptionSettings=[quick])
    until(server, environment, "Ready")
    server.admin("POST", "clock", {"advance": 60})  # the newest first: they may not end at one instant
    (second,) = actions(eb, "shop-next")
    apply(EnvironmentName="shop-next", ActionId=second["ActionId"])
    server.kill()
    server.start()
    until(server, environment, "Ready")
    assert [one["ActionId"] for one in history(eb, "shop-next")] == [second["ActionId"], first["ActionId"]]
    assert history(eb, "shop-next")[0]["Status"] == "Completed"
    assert platform(eb, "shop-next") == f"{_PLATFORM}/4.6.0"
    pages = eb.get_paginator("describe_environment_managed_action_history").paginate(
        EnvironmentName="shop-next", PaginationConfig={"PageSize": 1}
    )
    assert [len(page["ManagedActionHistoryItems"]) for page in pages] == [1, 1]


def _until_abortable(server: RunningServer, eb: Any, environment: str) -> None:
    for _ in range(60):
        (found,) = eb.describe_environments(EnvironmentIds=[environment])["Environments"]
        if found["AbortableOperationInProgress"]:
            return
        server.admin("POST", "clock", {"advance": 1})
    pytest.fail("it cannot be aborted")
