"""What DescribeScalingActivities tells of Auto Scaling groups: each launch and termination, why, and what came of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

DIFFERENCE = "a difference between desired and actual capacity"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("activities") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def make_group(server: RunningServer, name: str, desired: int, **members: Any) -> None:
    ec2 = server.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large"}
    )
    members = {"AvailabilityZones": ["us-east-1a", "us-east-1b"], **members}
    server.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=desired,
        **members,
    )


def told(server: RunningServer, name: str, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client("autoscaling").describe_scaling_activities(
        AutoScalingGroupName=name, **members
    )["Activities"]
    return found


def sentences(activity: dict[str, Any]) -> list[str]:
    """The Cause's, without their times."""
    return [sentence.split("Z ", 1)[-1].rstrip(".") for sentence in activity["Cause"].split(".  ")]


def test_each_launch_and_termination_leaves_an_activity(server: RunningServer) -> None:
    scaling = server.client("autoscaling")
    make_group(server, "web", 1)
    (first,) = told(server, "web")
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    (instance,) = group["Instances"]
    assert first["Description"] == f"Launching a new EC2 instance: {instance['InstanceId']}"
    assert sentences(first) == [
        "a user request created an AutoScalingGroup changing the desired capacity from 0 to 1",
        f"an instance was started in response to {DIFFERENCE}, increasing the capacity from 0 to 1",
    ]
    assert (first["StatusCode"], first["Progress"]) == ("Successful", 100)
    assert first["AutoScalingGroupARN"] == group["AutoScalingGroupARN"]
    assert json.loads(first["Details"])["Availability Zone"] == instance["AvailabilityZone"]
    assert first["EndTime"] >= first["StartTime"]

    scaling.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=1, DesiredCapacity=3)
    bounds = "a user request update of AutoScalingGroup constraints to min: 1, max: 4, desired: 3"
    asked = f"{bounds} changing the desired capacity from 1 to 3"
    assert [sentences(item)[0] for item in told(server, "web")[:2]] == [asked, asked]

    answered = scaling.terminate_instance_in_auto_scaling_group(
        InstanceId=instance["InstanceId"], ShouldDecrementDesiredCapacity=True
    )["Activity"]
    assert told(server, "web")[0] == answered
    taken = f"instance {instance['InstanceId']} was taken out of service in response to a user request"
    assert sentences(answered) == [f"{taken}, shrinking the capacity from 3 to 2"]

    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    lost = group["Instances"][0]["InstanceId"]
    server.client("ec2").terminate_instances(InstanceIds=[lost])
    replacement, loss = told(server, "web")[:2]
    assert loss["Description"] == f"Terminating EC2 instance: {lost}"
    assert "EC2 health check indicating it has been terminated or stopped" in loss["Cause"]
    assert "unhealthy instance needing to be replaced, increasing the capacity from 1 to 2" in replacement["Cause"]

    before = told(server, "web")
    server.kill()
    server.start()
    assert told(server, "web") == before

    pages = server.client("autoscaling").get_paginator("describe_scaling_activities")
    paged = pages.paginate(AutoScalingGroupName="web", PaginationConfig={"PageSize": 2})
    assert [item for page in paged for item in page["Activities"]] == before
    some = told(server, "web", ActivityIds=[before[1]["ActivityId"]])
    assert some == [before[1]]
    with pytest.raises(ClientError, match="InvalidNextToken"):
        told(server, "web", NextToken="made-up")

    make_group(server, "other", 0)
    assert told(server, "other") == []
    scaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    with pytest.raises(ClientError, match="AutoScalingGroup name not found"):
        told(server, "web")
    everything = server.client("autoscaling").describe_scaling_activities()["Activities"]
    assert not [item for item in everything if item["AutoScalingGroupName"] == "web"]
    left = told(server, "web", IncludeDeletedGroups=True)
    assert left[2:] == [{**item, "AutoScalingGroupState": "Deleted"} for item in before]
    assert sentences(left[0])[0] == (
        "a user request force deleted AutoScalingGroup changing the desired capacity from 2 to 0"
    )


def test_a_launch_that_fails_is_told(server: RunningServer) -> None:
    ec2, scaling = server.client("ec2"), server.client("autoscaling")
    network = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    make_group(server, "unlucky", 0, AvailabilityZones=[], VPCZoneIdentifier=subnet)
    ec2.delete_subnet(SubnetId=subnet)
    scaling.set_desired_capacity(AutoScalingGroupName="unlucky", DesiredCapacity=2)
    (found,) = told(server, "unlucky")
    message = f"The subnet ID '{subnet}' does not exist. Launching EC2 instance failed."
    assert (found["StatusCode"], found["StatusMessage"]) == ("Failed", message)
    assert found["Description"] == f"Launching a new EC2 instance.  Status Reason: {message}"
    assert sentences(found)[0] == (
        "a user request explicitly set group desired capacity changing the desired capacity from 0 to 2"
    )


def test_alarms_and_scheduled_actions_are_causes(server: RunningServer) -> None:
    scaling, watch = server.client("autoscaling"), server.client("cloudwatch")
    make_group(server, "moved", 1)
    policy = scaling.put_scaling_policy(
        AutoScalingGroupName="moved",
        PolicyName="more",
        PolicyType="SimpleScaling",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
    )["PolicyARN"]
    watch.put_metric_alarm(
        AlarmName="busy",
        Namespace="Mine",
        MetricName="load",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy],
    )
    watch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "load", "Value": 5.0}])
    server.admin("POST", "clock", {"advance": 120})
    by_alarm = told(server, "moved")[0]
    assert sentences(by_alarm)[0] == (
        "a monitor alarm busy in state ALARM triggered policy more changing the desired capacity from 1 to 2"
    )
    scaling.put_scheduled_update_group_action(
        AutoScalingGroupName="moved", ScheduledActionName="rest", Recurrence="* * * * *", MaxSize=3, DesiredCapacity=0
    )
    server.admin("POST", "clock", {"advance": 120})
    gone = told(server, "moved")[0]
    bounds = "a scheduled action update of AutoScalingGroup constraints to min: 0, max: 3, desired: 0"
    assert sentences(gone)[:3] == [
        f"{bounds} changing the desired capacity from 2 to 0",
        "the scheduled action rest executed",
        "Setting desired capacity from 2 to 0",
    ]
    assert sentences(gone)[-1] == f"instance {gone['Description'].rpartition(' ')[2]} was selected for termination"


@pytest.mark.parametrize("recurrence", ["0 0 6 * * 1-5", "cron(0 6 * * ? *)", "61 * * * *"])
def test_a_recurrence_that_nobody_can_read_is_refused(server: RunningServer, recurrence: str) -> None:
    scaling = server.client("autoscaling")
    action = {"ScheduledActionName": "night", "Recurrence": recurrence, "DesiredCapacity": 0}
    with pytest.raises(ClientError) as refused:
        scaling.put_scheduled_update_group_action(AutoScalingGroupName="web", **action)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == f"Given recurrence string: {recurrence} is invalid"
    (failed,) = scaling.batch_put_scheduled_update_group_action(
        AutoScalingGroupName="web", ScheduledUpdateGroupActions=[action]
    )["FailedScheduledUpdateGroupActions"]
    assert (failed["ErrorCode"], failed["ErrorMessage"]) == ("ValidationError", error["Message"])
    kept = scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    assert not [item for item in kept if item["ScheduledActionName"] == "night"]
