"""Auto Scaling groups whose instances name a cluster: their instances are its hosts, as long as they live."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import RunningServer

USER_DATA = """#!/bin/bash
cat <<'EOT' >> /etc/ecs/ecs.config
ECS_CLUSTER=farm
ECS_INSTANCE_ATTRIBUTES={"stack":"prod"}
EOT
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("scaling") / "state", runtime="simulated")
    running.client("ecs").create_cluster(clusterName="farm")
    yield running
    running.stop()


def hosts(server: RunningServer) -> dict[str, dict[str, Any]]:
    """EC2 instance → container instance, of those that are registered."""
    ecs = server.client("ecs")
    arns = ecs.list_container_instances(cluster="farm")["containerInstanceArns"]
    found = ecs.describe_container_instances(cluster="farm", containerInstances=arns) if arns else {}
    return {host["ec2InstanceId"]: host for host in found.get("containerInstances", [])}


def instances(server: RunningServer) -> set[str]:
    (group,) = server.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {instance["InstanceId"] for instance in group["Instances"]}


def test_a_groups_instances_are_hosts_until_they_are_terminated(server: RunningServer) -> None:
    ecs, ec2, scaling = server.client("ecs"), server.client("ec2"), server.client("autoscaling")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName="farm",
        LaunchTemplateData={
            "ImageId": image,
            "InstanceType": "m5.large",
            "UserData": base64.b64encode(USER_DATA.encode()).decode(),
        },
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="farm",
        LaunchTemplate={"LaunchTemplateName": "farm"},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=2,
        AvailabilityZones=["us-east-1a", "us-east-1b"],
    )
    server.wait_until(lambda: len(hosts(server)) == 2)
    found = hosts(server)
    assert found.keys() == instances(server)
    for host in found.values():
        attributes = {item["name"]: item.get("value") for item in host["attributes"]}
        assert (attributes["ecs.instance-type"], attributes["stack"]) == ("m5.large", "prod")
        assert (host["status"], host["agentConnected"]) == ("ACTIVE", True)
    zones = {
        item["value"] for host in found.values() for item in host["attributes"]
        if item["name"] == "ecs.availability-zone"
    }  # fmt: skip
    assert zones == {"us-east-1a", "us-east-1b"}

    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "a", "image": "web:1", "memory": 64}])
    spread = [{"type": "spread", "field": "instanceId"}]
    placed = ecs.run_task(cluster="farm", taskDefinition="web", count=2, placementStrategy=spread)["tasks"]
    on = {task["containerInstanceArn"]: task["taskArn"] for task in placed}
    gone = min(found)
    scaling.terminate_instance_in_auto_scaling_group(InstanceId=gone, ShouldDecrementDesiredCapacity=True)
    server.wait_until(lambda: hosts(server).keys() == found.keys() - {gone})

    def task(instance: str) -> dict[str, Any]:
        arn = on[found[instance]["containerInstanceArn"]]
        shown: dict[str, Any] = ecs.describe_tasks(cluster="farm", tasks=[arn])["tasks"][0]
        return shown

    server.wait_until(lambda: task(gone)["lastStatus"] == "STOPPED")
    stopped = task(gone)
    assert stopped["stopCode"] == "TerminationNotice"
    assert stopped["stoppedReason"] == f"Host EC2 (instance {gone}) terminated."
    (stays,) = found.keys() - {gone}
    assert task(stays)["lastStatus"] == "RUNNING"

    scaling.update_auto_scaling_group(AutoScalingGroupName="farm", DesiredCapacity=3)
    server.wait_until(lambda: len(hosts(server)) == 3)
    server.kill()
    server.start()
    assert hosts(server).keys() == instances(server)
    scaling.delete_auto_scaling_group(AutoScalingGroupName="farm", ForceDelete=True)
    server.wait_until(lambda: not hosts(server))
    server.wait_until(lambda: task(stays)["lastStatus"] == "STOPPED")


def test_a_stopped_instance_stays_registered_and_comes_back(server: RunningServer) -> None:
    ec2 = server.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.large", UserData=USER_DATA)
    instance = made["Instances"][0]["InstanceId"]
    server.wait_until(lambda: instance in hosts(server))
    arn = hosts(server)[instance]["containerInstanceArn"]
    ec2.stop_instances(InstanceIds=[instance])
    server.wait_until(lambda: not hosts(server)[instance]["agentConnected"])
    ec2.start_instances(InstanceIds=[instance])
    server.wait_until(lambda: hosts(server)[instance]["agentConnected"])
    assert hosts(server)[instance]["containerInstanceArn"] == arn
    ec2.terminate_instances(InstanceIds=[instance])
    server.wait_until(lambda: instance not in hosts(server))
