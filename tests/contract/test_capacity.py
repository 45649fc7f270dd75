"""Capacity by boto3 against a running server whose clock stands still until it is told to go on."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import RunningServer

USER_DATA = base64.b64encode(b"#!/bin/bash\necho ECS_CLUSTER=farm >> /etc/ecs/ecs.config\n").decode()
WEB = [{"name": "app", "image": "web:1", "cpu": 1024, "memory": 256}]
FARM = [{"capacityProvider": "farm", "weight": 1}]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("capacity") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def advance(server: RunningServer, seconds: float) -> None:
    server.admin("POST", "clock", {"advance": seconds})


def group(server: RunningServer) -> Any:
    return server.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["farm"])[
        "AutoScalingGroups"
    ][0]


def make_farm(server: RunningServer, **provider: Any) -> None:
    """A cluster whose hosts come from a group of m5.large, of which there is none yet."""
    ec2, scaling, ecs = server.client("ec2"), server.client("autoscaling"), server.client("ecs")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName="farm",
        LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large", "UserData": USER_DATA},
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="farm",
        LaunchTemplate={"LaunchTemplateName": "farm"},
        MinSize=0,
        MaxSize=8,
        DesiredCapacity=0,
        AvailabilityZones=["us-east-1a", "us-east-1b"],
        NewInstancesProtectedFromScaleIn=True,
    )
    ecs.create_capacity_provider(
        name="farm",
        autoScalingGroupProvider={
            "autoScalingGroupArn": group(server)["AutoScalingGroupARN"],
            "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
            **provider,
        },
    )
    ecs.create_cluster(clusterName="farm", capacityProviders=["farm"], defaultCapacityProviderStrategy=FARM)
    ecs.register_task_definition(family="web", containerDefinitions=WEB)


def tasks(server: RunningServer) -> list[dict[str, Any]]:
    ecs = server.client("ecs")
    arns = ecs.list_tasks(cluster="farm")["taskArns"]
    found: list[dict[str, Any]] = ecs.describe_tasks(cluster="farm", tasks=arns)["tasks"] if arns else []
    return found


def activities(server: RunningServer) -> list[dict[str, Any]]:
    """What the group did, newest first."""
    found: list[dict[str, Any]] = server.client("autoscaling").describe_scaling_activities(AutoScalingGroupName="farm")[
        "Activities"
    ]
    return found


def test_a_group_grows_for_waiting_tasks_and_shrinks_when_they_have_gone(server: RunningServer) -> None:
    make_farm(server, managedTerminationProtection="ENABLED")
    ecs = server.client("ecs")
    ecs.create_service(cluster="farm", serviceName="web", taskDefinition="web", desiredCount=6)
    server.wait_until(lambda: len(tasks(server)) == 6)
    assert {task["lastStatus"] for task in tasks(server)} == {"PROVISIONING"}
    server.kill()  # who waits goes on waiting, and the group is resized all the same
    server.start()
    advance(server, 61)
    server.wait_until(lambda: {task["lastStatus"] for task in tasks(server)} == {"RUNNING"})
    assert group(server)["DesiredCapacity"] == 3  # two tasks a host
    told = activities(server)
    assert [item["StatusCode"] for item in told] == ["Successful"] * 3
    assert "triggered policy ECSManagedAutoScalingPolicy-" in told[0]["Cause"]
    assert "changing the desired capacity from 0 to 3" in told[0]["Cause"]
    arns = ecs.list_container_instances(cluster="farm")["containerInstanceArns"]
    hosts = ecs.describe_container_instances(cluster="farm", containerInstances=arns)["containerInstances"]
    assert {host["capacityProviderName"] for host in hosts} == {"farm"}
    advance(server, 400)  # the new hosts are warm
    assert all(instance["ProtectedFromScaleIn"] for instance in group(server)["Instances"])

    ecs.update_service(cluster="farm", service="web", desiredCount=0)
    server.wait_until(lambda: not tasks(server))
    advance(server, 14 * 60)
    assert group(server)["DesiredCapacity"] == 3
    advance(server, 5 * 60)
    server.wait_until(lambda: group(server)["DesiredCapacity"] == 0)
    server.wait_until(lambda: not ecs.list_container_instances(cluster="farm")["containerInstanceArns"])


def test_an_instance_that_leaves_drains_first(server: RunningServer) -> None:
    make_farm(server)
    ecs, scaling = server.client("ecs"), server.client("autoscaling")
    scaling.update_auto_scaling_group(
        AutoScalingGroupName="farm", DesiredCapacity=2, NewInstancesProtectedFromScaleIn=False
    )
    server.wait_until(lambda: len(ecs.list_container_instances(cluster="farm")["containerInstanceArns"]) == 2)
    ecs.create_service(cluster="farm", serviceName="web", taskDefinition="web", desiredCount=1)
    server.wait_until(lambda: [task["lastStatus"] for task in tasks(server)] == ["RUNNING"])
    (before,) = tasks(server)
    (host,) = ecs.describe_container_instances(cluster="farm", containerInstances=[before["containerInstanceArn"]])[
        "containerInstances"
    ]
    scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=host["ec2InstanceId"], ShouldDecrementDesiredCapacity=True
    )
    leaving = activities(server)[0]
    assert (leaving["StatusCode"], "EndTime" in leaving) == ("MidLifecycleAction", False)  # until ECS has drained it
    server.wait_until(lambda: [task["taskArn"] for task in tasks(server)] != [before["taskArn"]])
    advance(server, 120)
    server.wait_until(lambda: len(ecs.list_container_instances(cluster="farm")["containerInstanceArns"]) == 1)
    (after,) = tasks(server)
    assert after["lastStatus"] == "RUNNING"
    assert after["containerInstanceArn"] != before["containerInstanceArn"]
    (stopped,) = ecs.describe_tasks(cluster="farm", tasks=[before["taskArn"]])["tasks"]
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"  # moved, not lost with its host
    assert len(group(server)["Instances"]) == 1
    (ended,) = (item for item in activities(server) if item["ActivityId"] == leaving["ActivityId"])
    assert (ended["StatusCode"], ended["Progress"]) == ("Successful", 100)
    assert ended["EndTime"] >= leaving["StartTime"]
