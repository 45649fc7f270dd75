"""Environments by boto3, on the simulated runtime: they launch, serve under their names, change and go without a trace."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.beanstalk import PROFILE, STACK, Shop, option
from tests.running import RunningServer

COMMAND = "aws:elasticbeanstalk:command"
GROUP = "aws:autoscaling:asg"
INVALID = "Configuration validation exception: Invalid option specification"
NOT_READY = "is in an invalid state for this operation"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("beanstalk") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def test_an_environment_behind_a_balancer_launches_and_serves_its_version(shop: Shop) -> None:
    begun = shop.create("shop-prod", option(GROUP, "MinSize", "2"), CNAMEPrefix="shop")
    assert (begun["Status"], begun["Health"]) == ("Launching", "Grey")
    found = shop.until("shop-prod")
    assert found["VersionLabel"] == "v1"
    assert found["Tier"] == {"Name": "WebServer", "Type": "Standard", "Version": "1.0"}
    assert len(shop.instances("shop-prod")) == 2
    status, body = shop.get(found["CNAME"])
    assert status == 200
    assert body.rstrip().endswith(" v1")
    said = shop.messages("shop-prod", begun)
    assert said[0] == "createEnvironment is starting."
    assert said[1] == "Using elasticbeanstalk-us-east-1-000000000000 as Amazon S3 storage bucket for environment data."
    assert said[-1] == "Successfully launched environment: shop-prod"
    assert f"Application available at {found['CNAME'].partition(':')[0]}." in said


def test_events_of_an_environment_never_share_an_instant(shop: Shop) -> None:
    shop.create("shop-prod")
    shop.until("shop-prod")
    stamps = [event["EventDate"] for event in shop.eb.describe_events(EnvironmentName="shop-prod")["Events"]]
    assert len(set(stamps)) == len(stamps) > 10
    assert stamps == sorted(stamps, reverse=True)


def test_its_user_sees_the_group_and_balancer_but_no_ecs(shop: Shop) -> None:
    begun = shop.create("shop-prod")
    shop.until("shop-prod")
    found = shop.eb.describe_environment_resources(EnvironmentName="shop-prod")["EnvironmentResources"]
    group = found["AutoScalingGroups"][0]["Name"]
    assert group.startswith(f"awseb-{begun['EnvironmentId']}-stack-AWSEBAutoScalingGroup-")
    groups = shop.server.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    tags = {tag["Key"]: tag["Value"] for tag in groups["AutoScalingGroups"][0]["Tags"]}
    assert tags["elasticbeanstalk:environment-name"] == "shop-prod"
    assert tags["elasticbeanstalk:environment-id"] == begun["EnvironmentId"]
    assert found["LoadBalancers"][0]["Name"].startswith("arn:aws:elasticloadbalancing:")
    assert len(found["Triggers"]) == 2
    assert shop.server.client("ecs").list_clusters()["clusterArns"] == []


def test_without_an_instance_profile_nothing_is_launched(shop: Shop) -> None:
    begun = shop.eb.create_environment(
        ApplicationName="shop", EnvironmentName="shop-bare", SolutionStackName=STACK, VersionLabel="v1"
    )
    shop.until("shop-bare")
    assert shop.messages("shop-bare", begun)[-2:] == [
        "Environment must have instance profile associated with it.",
        "Failed to launch environment.",
    ]
    assert shop.instances("shop-bare") == []
    shop.eb.terminate_environment(EnvironmentName="shop-bare")
    shop.until("shop-bare", "Terminated")


def test_a_service_role_that_is_not_there_is_told_and_nothing_is_launched(shop: Shop) -> None:
    begun = shop.create("shop-prod", option("aws:elasticbeanstalk:environment", "ServiceRole", "path/gone"))
    shop.until("shop-prod")
    role = "arn:aws:iam::000000000000:role/path/gone"
    assert shop.messages("shop-prod", begun)[-2:] == [
        f'Unable to assume role "{role}". Verify that the role exists and is configured correctly.',
        "Failed to launch environment.",
    ]
    assert shop.instances("shop-prod") == []


def _bare(shop: Shop) -> None:
    shop.eb.create_environment(
        ApplicationName="shop", EnvironmentName="shop-bare", SolutionStackName=STACK, VersionLabel="v1"
    )
    shop.until("shop-bare")


def test_an_update_makes_what_a_failed_launch_left_out(shop: Shop) -> None:
    _bare(shop)
    profile = option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", PROFILE)
    begun = shop.eb.update_environment(EnvironmentName="shop-bare", VersionLabel="v2", OptionSettings=[profile])
    found = shop.until("shop-bare")
    said = shop.messages("shop-bare", begun)
    assert said[0] == "Environment update is starting."
    assert said[-1] == "Environment update completed successfully."
    assert found["VersionLabel"] == "v2"
    assert len(shop.instances("shop-bare")) == 1
    assert shop.get(found["CNAME"])[1].rstrip().endswith(" v2")


@pytest.mark.parametrize("changed", [{"VersionLabel": "v2"}, {"OptionSettings": [option(GROUP, "MinSize", "2")]}])
def test_an_update_that_still_lacks_what_the_launch_lacked_fails_with_the_reason(
    shop: Shop, changed: dict[str, Any]
) -> None:
    _bare(shop)
    begun = shop.eb.update_environment(EnvironmentName="shop-bare", **changed)
    shop.until("shop-bare")
    assert shop.messages("shop-bare", begun)[-2:] == [
        "Environment must have instance profile associated with it.",
        "Failed to deploy application.",
    ]
    found = shop.until_true("shop-bare", lambda seen: bool(seen["Health"] == "Red"))
    assert found["Status"] == "Ready"
    assert shop.instances("shop-bare") == []


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"ApplicationName": "none"}, "InvalidParameterValue", "No Application named 'none' found."),
        ({"EnvironmentName": "shop-prod"}, "InvalidParameterValue", "Environment shop-prod already exists."),
        ({"SolutionStackName": "X"}, "InvalidParameterValue", "No Solution Stack named 'X' found."),
        ({"VersionLabel": "v9"}, "InvalidParameterValue", "No Application Version named 'v9' found."),
        (
            {"CNAMEPrefix": "SHOP"},
            "InvalidParameterValue",
            "DNS name (SHOP.us-east-1.elasticbeanstalk.localhost) is not available.",
        ),
        (
            {"OptionSettings": [option("aws:x", "Y", "1")]},
            "ConfigurationValidationException",
            f"{INVALID} (Namespace: 'aws:x', OptionName: 'Y'): Unknown configuration setting.",
        ),
    ],
)
def test_what_create_environment_refuses(shop: Shop, members: dict[str, str], code: str, message: str) -> None:
    shop.create("shop-prod", CNAMEPrefix="shop", single=True)
    wanted = {
        "ApplicationName": "shop",
        "EnvironmentName": "shop-next",
        "SolutionStackName": STACK,
        "VersionLabel": "v1",
        **members,
    }
    with pytest.raises(ClientError) as error:
        shop.eb.create_environment(**wanted)
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["Error"]["Message"] == message


def test_only_a_ready_environment_is_updated(shop: Shop) -> None:
    shop.create("shop-prod", single=True)
    with pytest.raises(ClientError, match=NOT_READY):
        shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel="v2")
    shop.until("shop-prod")
    shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel="v2")
    with pytest.raises(ClientError, match=NOT_READY):
        shop.eb.restart_app_server(EnvironmentName="shop-prod")


def test_a_swap_sends_requests_the_other_way(shop: Shop) -> None:
    shop.create("shop-blue", single=True, CNAMEPrefix="shop")
    shop.create("shop-green", single=True, CNAMEPrefix="shop-next", VersionLabel="v2")
    blue, green = shop.until("shop-blue"), shop.until("shop-green")
    assert shop.get(blue["CNAME"])[1].rstrip().endswith(" v1")
    begun = shop.eb.swap_environment_cnames(SourceEnvironmentName="shop-blue", DestinationEnvironmentName="shop-green")
    shop.advance(0)
    assert shop.environment("shop-green")["CNAME"] == blue["CNAME"]
    assert shop.get(blue["CNAME"])[1].rstrip().endswith(" v2")
    assert shop.get(green["CNAME"])[1].rstrip().endswith(" v1")
    said = shop.messages("shop-blue", begun)
    assert said[0] == "swapEnvironmentCNAMEs is starting."
    assert said[-1] == "Completed swapping CNAMEs for environments 'shop-blue' and 'shop-green'."


def test_settings_that_no_instance_notices_change_in_place(shop: Shop) -> None:
    shop.create("shop-prod")
    shop.until("shop-prod")
    before = set(shop.instances("shop-prod"))
    begun = shop.eb.update_environment(
        EnvironmentName="shop-prod", OptionSettings=[option(GROUP, "MinSize", "3"), option(GROUP, "MaxSize", "3")]
    )
    shop.until("shop-prod")
    assert before < set(shop.instances("shop-prod"))
    assert len(shop.instances("shop-prod")) == 3
    assert shop.messages("shop-prod", begun) == [
        "Environment update is starting.",
        "Updating environment shop-prod's configuration settings.",
        "Successfully deployed new configuration to environment.",
        "Environment update completed successfully.",
    ]


def test_a_process_that_is_added_gets_every_instance_and_goes_without_a_trace(shop: Shop) -> None:
    shop.create("shop-prod", option(GROUP, "MinSize", "2"))
    shop.until("shop-prod")
    elbv2 = shop.server.client("elbv2")
    added = [
        option("aws:elbv2:listener:8080", "DefaultProcess", "admin"),
        option("aws:elasticbeanstalk:environment:process:admin", "Port", "8080"),
    ]
    shop.eb.update_environment(EnvironmentName="shop-prod", OptionSettings=added)
    shop.until("shop-prod")
    groups = {group["Port"]: group["TargetGroupArn"] for group in elbv2.describe_target_groups()["TargetGroups"]}
    found = elbv2.describe_target_health(TargetGroupArn=groups[8080])["TargetHealthDescriptions"]
    targets = sorted((target["Target"]["Id"], target["Target"]["Port"]) for target in found)
    assert targets == sorted((one, 8080) for one in shop.instances("shop-prod"))
    removed = [{"Namespace": one["Namespace"], "OptionName": one["OptionName"]} for one in added]
    shop.eb.update_environment(EnvironmentName="shop-prod", OptionsToRemove=removed)
    shop.until("shop-prod")
    assert [group["Port"] for group in elbv2.describe_target_groups()["TargetGroups"]] == [80]


def test_launch_settings_replace_instances(shop: Shop) -> None:
    shop.create("shop-prod", option(GROUP, "MinSize", "2"))
    shop.until("shop-prod")
    before = set(shop.instances("shop-prod"))
    begun = shop.eb.update_environment(
        EnvironmentName="shop-prod", OptionSettings=[option("aws:ec2:instances", "InstanceTypes", "t3.small")]
    )
    shop.until("shop-prod")
    after = shop.instances("shop-prod")
    assert len(after) == 2
    assert not before & set(after)
    found = shop.server.client("ec2").describe_instances(InstanceIds=after)["Reservations"]
    assert {item["InstanceType"] for one in found for item in one["Instances"]} == {"t3.small"}
    shop.advance(60)
    resources = shop.eb.describe_environment_resources(EnvironmentName="shop-prod")["EnvironmentResources"]
    templates = shop.server.client("ec2").describe_launch_templates()["LaunchTemplates"]
    assert [{"Id": one["LaunchTemplateId"]} for one in templates] == resources["LaunchTemplates"]
    assert shop.messages("shop-prod", begun)[-1] == "Environment update completed successfully."


def _type(kind: str) -> dict[str, str]:
    return option("aws:elasticbeanstalk:environment", "EnvironmentType", kind)


def test_a_single_instance_gets_a_load_balancer_and_gives_it_back(shop: Shop) -> None:
    shop.create("shop-one", single=True)
    cname = shop.until("shop-one")["CNAME"]
    (first,) = shop.instances("shop-one")
    ec2, elbv2 = shop.server.client("ec2"), shop.server.client("elbv2")
    kind = option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
    wanted = [_type("LoadBalanced"), kind, option(GROUP, "MinSize", "2")]
    begun = shop.eb.update_environment(EnvironmentName="shop-one", OptionSettings=wanted)
    shop.until("shop-one")
    shop.advance(120)
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert shop.environment("shop-one")["EndpointURL"] == balancer["DNSName"]
    assert ec2.describe_addresses()["Addresses"] == []
    assert len(shop.instances("shop-one")) == 2
    assert first in shop.instances("shop-one")
    assert {shop.get(cname)[1].split()[-2] for _ in range(6)} == set(shop.instances("shop-one"))
    said = [text.partition(": ")[0].partition(" shop-one")[0] for text in shop.messages("shop-one", begun)]
    assert said == [
        "Environment update is starting.",
        "Updating environment",
        "Created target group named",
        "Created security group named",
        "Created load balancer named",
        *["Created Auto Scaling group policy named"] * 2,
        *["Created CloudWatch alarm named"] * 2,
        "Created Load Balancer listener named",
        "Deleted EIP",
        "Successfully deployed new configuration to environment.",
        "Environment update completed successfully.",
    ]
    resources = shop.eb.describe_environment_resources(EnvironmentName="shop-one")["EnvironmentResources"]
    assert (len(resources["LoadBalancers"]), len(resources["Triggers"])) == (1, 2)
    begun = shop.eb.update_environment(EnvironmentName="shop-one", OptionSettings=[_type("SingleInstance")])
    shop.until("shop-one")
    shop.advance(120)
    (left,) = shop.instances("shop-one")
    (address,) = ec2.describe_addresses()["Addresses"]
    assert (address["InstanceId"], address["PublicIp"]) == (left, shop.environment("shop-one")["EndpointURL"])
    assert elbv2.describe_load_balancers()["LoadBalancers"] == elbv2.describe_target_groups()["TargetGroups"] == []
    assert shop.get(cname)[1].split()[-2:] == [left, "v1"]
    assert shop.messages("shop-one", begun)[-1] == "Environment update completed successfully."
    shop.eb.update_environment(EnvironmentName="shop-one", VersionLabel="v2")
    shop.until("shop-one")
    assert shop.get(cname)[1].split()[-2:] == [left, "v2"]


def test_a_restart_leaves_version_and_instances_as_they_are(shop: Shop) -> None:
    shop.create("shop-prod", single=True)
    before = shop.until("shop-prod")
    ids = shop.instances("shop-prod")
    begun = shop.eb.restart_app_server(EnvironmentName="shop-prod")
    after = shop.until("shop-prod")
    assert (after["VersionLabel"], shop.instances("shop-prod")) == (before["VersionLabel"], ids)
    assert shop.messages("shop-prod", begun) == [
        "restartAppServer is starting.",
        "Instance deployment completed successfully.",
        "Restarted application server on all ec2 instances.",
    ]


def test_a_restart_goes_by_the_settings_of_now(shop: Shop) -> None:
    shop.create("shop-prod", option(GROUP, "MinSize", "2"))
    shop.until("shop-prod")
    command = "aws:elasticbeanstalk:command"
    wanted = {"DeploymentPolicy": "Rolling", "BatchSizeType": "Fixed", "BatchSize": "1"}
    settings = [option(command, name, value) for name, value in wanted.items()]
    shop.eb.update_environment(EnvironmentName="shop-prod", OptionSettings=settings)
    shop.until("shop-prod")
    begun = shop.eb.restart_app_server(EnvironmentName="shop-prod")
    shop.until("shop-prod")
    request_id = begun["ResponseMetadata"]["RequestId"]
    told = shop.eb.describe_events(EnvironmentName="shop-prod", RequestId=request_id)["Events"]
    later, earlier = [
        one["EventDate"] for one in told if one["Message"] == "Instance deployment completed successfully."
    ]
    assert later - earlier > timedelta(minutes=1)  # one batch after the other


def test_terminate_leaves_nothing_and_rebuild_brings_it_back(shop: Shop) -> None:
    begun = shop.create("shop-prod", CNAMEPrefix="shop")
    shop.until("shop-prod")
    ended = shop.eb.terminate_environment(EnvironmentName="shop-prod")
    assert ended["Status"] == "Terminating"
    shop.until("shop-prod", "Terminated")
    assert shop.messages("shop-prod", ended)[-1] == "terminateEnvironment completed successfully."
    assert shop.server.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    elbv2 = shop.server.client("elbv2")
    assert elbv2.describe_load_balancers()["LoadBalancers"] == elbv2.describe_target_groups()["TargetGroups"] == []
    ec2 = shop.server.client("ec2")
    found = ec2.describe_instances()["Reservations"]
    assert {item["State"]["Name"] for one in found for item in one["Instances"]} == {"terminated"}
    assert [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]] == ["default"]
    assert shop.server.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert shop.get(begun["CNAME"])[0] == 404
    again = shop.eb.rebuild_environment(EnvironmentId=begun["EnvironmentId"])
    back = shop.until("shop-prod")
    assert back["EnvironmentId"] == begun["EnvironmentId"]
    assert shop.messages("shop-prod", again)[0] == "restoreEnvironment is starting."
    assert shop.get(back["CNAME"])[0] == 200


def test_terminated_environments_are_shown_for_an_hour_and_to_who_asks_for_six_weeks(shop: Shop) -> None:
    shop.create("shop-prod", single=True)
    shop.until("shop-prod")
    shop.eb.terminate_environment(EnvironmentName="shop-prod")
    shop.until("shop-prod", "Terminated")
    assert len(shop.eb.describe_environments()["Environments"]) == 1
    shop.advance(3601)
    assert shop.eb.describe_environments()["Environments"] == []
    assert len(shop.eb.describe_environments(IncludeDeleted=True)["Environments"]) == 1


def test_pages_of_environments(shop: Shop) -> None:
    for index in range(3):
        shop.create(f"shop-{index}", single=True)
    pages = shop.eb.get_paginator("describe_environments").paginate(
        ApplicationName="shop", PaginationConfig={"PageSize": 2}
    )
    names = [[item["EnvironmentName"] for item in page["Environments"]] for page in pages]
    assert names == [["shop-0", "shop-1"], ["shop-2"]]


def test_a_trigger_that_is_breached_scales_the_group(shop: Shop) -> None:
    trigger = "aws:autoscaling:trigger"
    shop.create(
        "shop-busy",
        option(trigger, "MeasureName", "RequestCount"),
        option(trigger, "Statistic", "Sum"),
        option(trigger, "Unit", "Count"),
        option(trigger, "Period", "1"),
        option(trigger, "BreachDuration", "1"),
        option(trigger, "UpperThreshold", "5"),
        option(trigger, "LowerThreshold", "1"),
        option(GROUP, "Cooldown", "60"),
    )
    cname = shop.until("shop-busy")["CNAME"]
    assert len(shop.instances("shop-busy")) == 1
    for _ in range(10):
        assert shop.get(cname)[0] == 200
    shop.until_true("shop-busy", lambda _found: len(shop.instances("shop-busy")) == 2)
    second, first = shop.server.client("autoscaling").describe_scaling_activities()["Activities"]
    assert "a user request created an AutoScalingGroup changing the desired capacity from 0 to 1." in first["Cause"]
    assert "a monitor alarm awseb-" in second["Cause"]
    assert "changing the desired capacity from 1 to 2." in second["Cause"]


def test_a_single_instance_that_dies_is_replaced_under_the_same_name_and_address(shop: Shop) -> None:
    shop.create("shop-one", single=True)
    cname = shop.until("shop-one")["CNAME"]
    shop.advance(120)
    ec2, (dead,) = shop.server.client("ec2"), shop.instances("shop-one")
    (address,) = ec2.describe_addresses()["Addresses"]
    assert address["InstanceId"] == dead
    told = len(shop.messages("shop-one"))
    shop.server.admin("POST", "runtime/scripts", {"pattern": "*", "start": 100})
    ec2.terminate_instances(InstanceIds=[dead])
    found = shop.until_true("shop-one", lambda seen: bool(seen["HealthStatus"] != "Ok"))
    (new,) = shop.instances("shop-one")
    assert (found["Status"], found["HealthStatus"], found["Health"]) == ("Ready", "Pending", "Grey")
    assert shop.get(cname)[0] == 503
    shop.until_true("shop-one", lambda seen: bool(seen["HealthStatus"] == "Ok"))
    shop.advance(60)
    assert shop.get(cname)[1].split()[-2:] == [new, "v1"]
    (moved,) = ec2.describe_addresses()["Addresses"]
    assert (moved["InstanceId"], moved["PublicIp"]) == (new, address["PublicIp"])
    said = [text for text in shop.messages("shop-one")[told:] if not text.startswith("Docker container")]
    assert said[0] == f"Removed instance [{dead}] from your environment."
    assert said[1].startswith("Environment health has transitioned from Ok to Pending. Initialization in progress")
    assert said[2] == f"Added instance [{new}] to your environment."
    assert said[3] == "Environment health has transitioned from Pending to Ok."
    assert len(said) == 4


def test_on_the_ecs_platform_cluster_and_task_are_the_users(shop: Shop) -> None:
    container = {
        "name": "web",
        "image": "web:1",
        "essential": True,
        "memory": 64,
        "portMappings": [{"hostPort": 80, "containerPort": 80}],
    }
    document = {"AWSEBDockerrunVersion": 2, "containerDefinitions": [container]}
    shop.version("tasks", json.dumps(document).encode(), "tasks/Dockerrun.aws.json")
    stack = "64bit Amazon Linux 2023 v4.2.0 running ECS"
    begun = shop.create("shop-tasks", single=True, SolutionStackName=stack, VersionLabel="tasks")
    found = shop.until("shop-tasks")
    said = shop.messages("shop-tasks", begun)
    assert said[-1] == "Successfully launched environment: shop-tasks", said
    ecs = shop.server.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    (task,) = ecs.list_tasks(cluster=cluster)["taskArns"]
    assert f"ECS task: {task} is RUNNING." in said
    assert any(text.startswith("Starting new ECS task with awseb-shop-tasks-") for text in said)
    assert shop.get(found["CNAME"])[0] == 200
