"""Capacity providers, and tasks that are started by strategies over them."""

from collections import Counter
from typing import Any

import pytest

from emulator.ecs.capacity import Capacity
from emulator.ecs.capacity_providers import (
    create_capacity_provider,
    delete_capacity_provider,
    describe_capacity_providers,
    update_capacity_provider,
)
from emulator.ecs.clusters import create_cluster, describe_clusters, put_cluster_capacity_providers
from emulator.ecs.errors import ClientException, InvalidParameterException, ResourceInUseException
from emulator.ecs.services import create_service
from emulator.ecs.tasks import describe_tasks, run_task
from emulator.errors import AwsError
from tests.emulator.ecs.capacity_playing import FixedGroups, on_stage
from tests.emulator.ecs.control_plane import add_hosts
from tests.emulator.ecs.services_playing import ServicesPlaying

FARGATE: dict[str, Any] = {
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}
ONE_THREE = [
    {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
    {"capacityProvider": "FARGATE_SPOT", "weight": 3},
]


def groups(playing: ServicesPlaying) -> FixedGroups:
    found = playing.stage.emulator.groups
    assert isinstance(found, FixedGroups)
    return found


def provider(playing: ServicesPlaying, name: str = "farm", **members: Any) -> Any:
    asked = {"autoScalingGroupArn": groups(playing).add(name), **members}
    made = playing.stage.do(create_capacity_provider, name=name, autoScalingGroupProvider=asked)
    return made["capacityProvider"]


def attach(playing: ServicesPlaying, *names: str, strategy: Any = ()) -> Any:
    return playing.stage.do(
        put_cluster_capacity_providers,
        cluster="default",
        capacityProviders=list(names),
        defaultCapacityProviderStrategy=list(strategy),
    )["cluster"]


@on_stage
async def test_a_provider_has_the_defaults_of_ecs(playing: ServicesPlaying) -> None:
    made = provider(playing)
    assert made["status"] == "ACTIVE"
    shown = made["autoScalingGroupProvider"]
    assert shown["managedScaling"] == {
        "status": "DISABLED",
        "targetCapacity": 100,
        "minimumScalingStepSize": 1,
        "maximumScalingStepSize": 10000,
        "instanceWarmupPeriod": 300,
    }
    assert (shown["managedTerminationProtection"], shown["managedDraining"]) == ("DISABLED", "ENABLED")
    listed = playing.stage.do(describe_capacity_providers)["capacityProviders"]
    assert [item["name"] for item in listed] == ["FARGATE", "FARGATE_SPOT", "farm"]
    asked = playing.stage.do(describe_capacity_providers, capacityProviders=["FARGATE_SPOT", "nobody"])
    assert asked["capacityProviders"][0]["status"] == "ACTIVE"
    assert asked["failures"][0]["reason"] == "MISSING"
    changed = playing.stage.do(
        update_capacity_provider,
        name="farm",
        autoScalingGroupProvider={"managedScaling": {"status": "ENABLED", "targetCapacity": 80}},
    )["capacityProvider"]
    scaling = changed["autoScalingGroupProvider"]["managedScaling"]
    assert (scaling["status"], scaling["targetCapacity"], scaling["instanceWarmupPeriod"]) == ("ENABLED", 80, 300)


@pytest.mark.parametrize(
    ("name", "members", "error", "text"),
    [
        ("awsome", {}, InvalidParameterException, "can't be prefixed"),
        ("a b", {}, InvalidParameterException, "invalid"),
        ("taken", {}, ClientException, "The specified capacity provider already exists. To change the configuration"),
        ("other", {"autoScalingGroupArn": "taken"}, ClientException, "already being used by another capacity provider"),
        ("other", {"autoScalingGroupArn": "nobody"}, ClientException, "does not exist"),
        (
            "other",
            {"managedTerminationProtection": "ENABLED", "managedScaling": {"status": "ENABLED"}},
            ClientException,
            "the Auto Scaling group must have instance protection from scale in enabled.",
        ),
        ("other", {"managedScaling": {"targetCapacity": 0}}, InvalidParameterException, "between 1 and 100"),
    ],
)
@on_stage
async def test_what_a_provider_cannot_be(
    playing: ServicesPlaying, name: str, members: dict[str, Any], error: type[AwsError], text: str
) -> None:
    provider(playing, "taken")
    groups(playing).add("other")
    with pytest.raises(error, match=text):
        playing.stage.do(
            create_capacity_provider, name=name, autoScalingGroupProvider={"autoScalingGroupArn": "other", **members}
        )


@on_stage
async def test_a_provider_that_a_cluster_has_is_not_deleted(playing: ServicesPlaying) -> None:
    provider(playing)
    attach(playing, "farm")
    asked = playing.stage.do(delete_capacity_provider, capacityProvider="farm")["capacityProvider"]
    assert (asked["status"], asked["updateStatus"]) == ("ACTIVE", "DELETE_IN_PROGRESS")
    await playing.stage.settle()
    (shown,) = playing.stage.do(describe_capacity_providers, capacityProviders=["farm"])["capacityProviders"]
    assert (shown["status"], shown["updateStatus"]) == ("ACTIVE", "DELETE_FAILED")
    assert "cluster: default" in shown["updateStatusReason"]
    attach(playing)
    playing.stage.do(delete_capacity_provider, capacityProvider=shown["capacityProviderArn"])
    await playing.stage.settle()
    (shown,) = playing.stage.do(describe_capacity_providers, capacityProviders=["farm"])["capacityProviders"]
    assert (shown["status"], shown["updateStatus"]) == ("INACTIVE", "DELETE_COMPLETE")
    with pytest.raises(InvalidParameterException, match="'farm' is not in an ACTIVE state"):
        attach(playing, "farm")


@on_stage
async def test_strategies_that_no_cluster_can_have(playing: ServicesPlaying) -> None:
    provider(playing)
    bad = {
        "not associated": [{"capacityProvider": "FARGATE", "weight": 1}],
        "mix of capacity providers": [{"capacityProvider": "FARGATE"}, {"capacityProvider": "farm"}],
        "Only one capacity provider": [
            {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
            {"capacityProvider": "FARGATE_SPOT", "base": 1},
        ],
        "weight greater than 0": [{"capacityProvider": "FARGATE"}, {"capacityProvider": "FARGATE_SPOT"}],
    }
    for text, strategy in bad.items():
        names = ["FARGATE_SPOT"] if text == "not associated" else ["FARGATE", "FARGATE_SPOT", "farm"]
        with pytest.raises(InvalidParameterException, match=text):
            attach(playing, *names, strategy=strategy)


@on_stage
async def test_run_task_divides_by_base_and_weight(playing: ServicesPlaying) -> None:
    playing.stage.define(**FARGATE)
    attach(playing, "FARGATE", "FARGATE_SPOT")
    asked: dict[str, Any] = {"taskDefinition": "web", "count": 9, "networkConfiguration": NETWORK}
    result = playing.stage.do(run_task, capacityProviderStrategy=ONE_THREE, **asked)
    assert Counter(task["capacityProviderName"] for task in result["tasks"]) == {"FARGATE": 3, "FARGATE_SPOT": 6}
    assert {task["launchType"] for task in result["tasks"]} == {"FARGATE"}
    with pytest.raises(InvalidParameterException, match="Specifying both a launch type"):
        playing.stage.do(run_task, capacityProviderStrategy=ONE_THREE, launchType="FARGATE", **asked)
    with pytest.raises(ResourceInUseException):
        attach(playing, "FARGATE")


@on_stage
async def test_the_clusters_default_strategy_holds_where_nothing_is_asked(playing: ServicesPlaying) -> None:
    playing.stage.define(**FARGATE)
    attach(playing, "FARGATE", "FARGATE_SPOT", strategy=ONE_THREE)
    web = await playing.create(5, networkConfiguration=NETWORK)
    assert "launchType" not in web
    assert [item["capacityProvider"] for item in web["capacityProviderStrategy"]] == ["FARGATE", "FARGATE_SPOT"]
    assert web["deployments"][0]["capacityProviderStrategy"] == web["capacityProviderStrategy"]
    assert web["runningCount"] == 5
    tasks = playing.stage.do(describe_tasks, tasks=playing.tasks())["tasks"]
    assert Counter(task["capacityProviderName"] for task in tasks) == {"FARGATE": 2, "FARGATE_SPOT": 3}
    web = await playing.update(capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}], desiredCount=8)
    assert len(web["deployments"]) == 1
    tasks = playing.stage.do(describe_tasks, tasks=playing.tasks())["tasks"]
    assert Counter(task["capacityProviderName"] for task in tasks) == {"FARGATE": 5, "FARGATE_SPOT": 3}
    await playing.update(forceNewDeployment=True)
    await playing.wait(120)
    tasks = playing.stage.do(describe_tasks, tasks=playing.tasks())["tasks"]
    assert {task["capacityProviderName"] for task in tasks} == {"FARGATE"}


@on_stage
async def test_a_daemon_service_has_no_strategy(playing: ServicesPlaying) -> None:
    playing.stage.define()
    provider(playing)
    attach(playing, "farm", strategy=[{"capacityProvider": "farm", "weight": 1}])
    with pytest.raises(InvalidParameterException, match="DAEMON scheduling strategy"):
        playing.stage.do(create_service, serviceName="d", taskDefinition="web", schedulingStrategy="DAEMON")


@on_stage
async def test_tasks_of_a_group_wait_for_hosts_and_land_when_they_come(playing: ServicesPlaying) -> None:
    playing.stage.define()
    provider(playing)
    attach(playing, "farm", strategy=[{"capacityProvider": "farm", "weight": 1}])
    add_hosts(playing.stage.emulator, 1)  # not the provider's
    (task,) = playing.stage.do(run_task, taskDefinition="web")["tasks"]
    await playing.stage.settle()
    shown = playing.stage.task(task["taskArn"])
    assert (shown["lastStatus"], shown["capacityProviderName"]) == ("PROVISIONING", "farm")
    assert "containerInstanceArn" not in shown
    web = await playing.create(2)
    assert (web["pendingCount"], web["runningCount"]) == (2, 0)
    (host,) = add_hosts(playing.stage.emulator, 1, capacity_provider="farm")
    await playing.stage.settle()
    shown = playing.stage.task(task["taskArn"])
    assert (shown["lastStatus"], shown["containerInstanceArn"]) == ("RUNNING", host)
    assert playing.web()["runningCount"] == 2


@on_stage
async def test_who_waits_for_too_long_is_given_up(playing: ServicesPlaying) -> None:
    playing.stage.define()
    provider(playing)
    attach(playing, "farm")
    farm = [{"capacityProvider": "farm", "weight": 1}]
    (task,) = playing.stage.do(run_task, taskDefinition="web", capacityProviderStrategy=farm)["tasks"]
    await playing.stage.advance(29 * 60)
    assert playing.stage.task(task["taskArn"])["lastStatus"] == "PROVISIONING"
    await playing.stage.advance(2 * 60)
    shown = playing.stage.task(task["taskArn"])
    assert (shown["lastStatus"], shown["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert shown["stoppedReason"] == "TaskFailedToStart: EMPTY CAPACITY PROVIDER"


@on_stage
async def test_the_wait_ends_though_the_server_was_restarted(playing: ServicesPlaying) -> None:
    playing.stage.define()
    provider(playing)
    attach(playing, "farm", strategy=[{"capacityProvider": "farm", "weight": 1}])
    (task,) = playing.stage.do(run_task, taskDefinition="web")["tasks"]
    await playing.stage.advance(60)
    emulator = playing.stage.emulator
    await emulator.loops.stop()
    emulator.loops.forget()
    Capacity(emulator).start()
    emulator.loops.start()
    await playing.stage.advance(30 * 60)
    assert playing.stage.task(task["taskArn"])["lastStatus"] == "STOPPED"


@on_stage
async def test_at_most_500_tasks_of_a_cluster_wait(playing: ServicesPlaying) -> None:
    playing.stage.define()
    provider(playing)
    attach(playing, "farm", strategy=[{"capacityProvider": "farm", "weight": 1}])
    for _ in range(50):
        playing.stage.do(run_task, taskDefinition="web", count=10)
    with pytest.raises(ClientException, match="PROVISIONING"):
        playing.stage.do(run_task, taskDefinition="web")


@on_stage
async def test_a_cluster_is_made_with_providers_and_shows_what_they_brought(playing: ServicesPlaying) -> None:
    provider(playing, managedScaling={"status": "ENABLED"})
    playing.stage.do(create_cluster, clusterName="two", capacityProviders=["FARGATE", "farm"])
    (shown,) = playing.stage.do(describe_clusters, clusters=["two"], include=["ATTACHMENTS"])["clusters"]
    assert shown["attachmentsStatus"] == "UPDATE_COMPLETE"
    details = {item["name"]: item["value"] for item in shown["attachments"][0]["details"]}
    assert details["capacityProviderName"] == "farm"
    assert details["scalingPolicyName"].startswith("ECSManagedAutoScalingPolicy-")
    with pytest.raises(ClientException, match="another cluster"):
        attach(playing, "farm")
