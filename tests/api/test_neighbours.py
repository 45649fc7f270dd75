"""Other AWS services on our port: boto3 over real sockets."""

import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.clock import Clock
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.world import MotoWorld
from tests.api.neighbour_server import ACCOUNT, serving


@pytest.fixture(scope="module")
def neighbours() -> Iterator[MotoNeighbours]:
    world = MotoWorld(Clock(), ACCOUNT, None)
    yield MotoNeighbours(world)
    world.close()


@pytest.fixture(scope="module")
def url(neighbours: MotoNeighbours) -> Iterator[str]:
    with serving(neighbours) as address:
        yield address


@pytest.fixture(autouse=True)
def fresh(neighbours: MotoNeighbours) -> None:
    neighbours.world.reset()


def client(service: str, url: str, key: str = "test", region: str = "us-east-1", **config: Any) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # a Literal of 400 names
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def test_s3_path_style(url: str) -> None:
    s3 = client("s3", url)
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="a b/ü?.txt", Body=b"hello", Metadata={"who": "me"})
    got = s3.get_object(Bucket="photos", Key="a b/ü?.txt")
    assert (got["Body"].read(), got["Metadata"]) == (b"hello", {"who": "me"})
    assert s3.head_object(Bucket="photos", Key="a b/ü?.txt")["ContentLength"] == 5
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="photos")["Contents"]] == ["a b/ü?.txt"]


def test_s3_virtual_host(url: str) -> None:
    s3 = client("s3", url)
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="k", Body=b"x", ACL="public-read")
    # subdomains of localhost do not resolve everywhere: only the Host header is the virtual one
    asked = urllib.request.Request(f"{url}/k", headers={"Host": "photos.s3.localhost:4566"})  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        assert answer.read() == b"x"


def test_s3_large_upload(url: str) -> None:
    s3 = client("s3", url)
    s3.create_bucket(Bucket="big")
    s3.put_object(Bucket="big", Key="k", Body=b"0" * 6_000_000)
    assert len(s3.get_object(Bucket="big", Key="k")["Body"].read()) == 6_000_000
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="big", Key="none")


def test_iam(url: str) -> None:
    iam = client("iam", url)
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/r"
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    names = {policy["PolicyName"] for page in pages for policy in page["Policies"]}
    assert "AmazonECSTaskExecutionRolePolicy" in names


def test_sts_tells_the_account(url: str) -> None:
    assert client("sts", url).get_caller_identity()["Account"] == ACCOUNT
    assert client("sts", url, key="123456789012").get_caller_identity()["Account"] == "123456789012"
    assert client("sts", url, key="AKIAIOSFODNN7EXAMPLE").get_caller_identity()["Account"] == ACCOUNT


def test_ec2(url: str, neighbours: MotoNeighbours) -> None:
    changed: list[tuple[str, str]] = []
    neighbours.watch_instances(lambda account, region: changed.append((account, region)))
    ec2 = client("ec2", url)
    made = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=2,
        MaxCount=2,
        InstanceType="t3.large",
        UserData="#!/bin/sh\necho ECS_CLUSTER=x >> /etc/ecs/ecs.config",
    )["Instances"]
    assert changed == [(ACCOUNT, "us-east-1")]
    seen = neighbours.instances(ACCOUNT, "us-east-1")
    assert [(item.state, item.instance_type) for item in seen] == [("running", "t3.large")] * 2
    assert "ECS_CLUSTER=x" in seen[0].user_data
    ec2.terminate_instances(InstanceIds=[made[0]["InstanceId"]])
    assert {item.id: item.state for item in neighbours.instances(ACCOUNT, "us-east-1")} == {
        made[0]["InstanceId"]: "terminated",
        made[1]["InstanceId"]: "running",
    }
    assert len(ec2.describe_instances()["Reservations"][0]["Instances"]) == 2


def test_auto_scaling_launches(url: str, neighbours: MotoNeighbours) -> None:
    ec2, scaling = client("ec2", url), client("autoscaling", url)
    data = "ZWNobyBFQ1NfQ0xVU1RFUj14ID4+IC9ldGMvZWNzL2Vjcy5jb25maWc="
    ec2.create_launch_template(
        LaunchTemplateName="template",
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.large", "UserData": data},
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="g",
        LaunchTemplate={"LaunchTemplateName": "template"},
        MinSize=3,
        MaxSize=3,
        AvailabilityZones=["us-east-1a", "us-east-1b"],
    )
    seen = neighbours.instances(ACCOUNT, "us-east-1")
    assert [item.auto_scaling_group for item in seen] == ["g"] * 3
    assert all("ECS_CLUSTER=x" in item.user_data for item in seen)


def test_logs(url: str) -> None:
    logs = client("logs", url)
    logs.create_log_group(logGroupName="/g")
    logs.create_log_stream(logGroupName="/g", logStreamName="s")
    now = int(Clock().now().timestamp() * 1000)
    logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=[{"timestamp": now, "message": "m"}])
    events = logs.get_log_events(logGroupName="/g", logStreamName="s")["events"]
    assert [(event["timestamp"], event["message"]) for event in events] == [(now, "m")]


def test_sqs_sns_ssm_secrets(url: str) -> None:
    sqs, sns = client("sqs", url), client("sns", url)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    assert queue == f"{url}/{ACCOUNT}/q"
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")
    sns.publish(TopicArn=topic, Message="hello")
    assert "hello" in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"][0]["Body"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0)
    ssm = client("ssm", url)
    ssm.put_parameter(Name="/p", Value="v", Type="String")
    assert ssm.get_parameter(Name="/p")["Parameter"]["Value"] == "v"
    secrets = client("secretsmanager", url)
    secrets.create_secret(Name="s", SecretString="hush")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "hush"


def test_load_balancer(url: str, neighbours: MotoNeighbours) -> None:
    subnets = [subnet.id for subnet in neighbours.default_subnets(ACCOUNT, "us-east-1")][:2]
    made = client("elbv2", url).create_load_balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]
    assert made["Type"] == "application"


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("cloudwatch", "describe_alarms"),
        ("events", "list_rules"),
        ("cloudformation", "list_stacks"),
        ("servicediscovery", "list_namespaces"),
        ("kms", "list_keys"),
        ("application-autoscaling", ""),
        ("dynamodb", "list_tables"),
        ("lambda", "list_functions"),
        ("route53", "list_hosted_zones"),
        ("acm", "list_certificates"),
        ("resourcegroupstaggingapi", "get_resources"),
    ],
)
def test_others_answer(url: str, service: str, call: str) -> None:
    one = client(service, url)
    if call:
        assert getattr(one, call)()["ResponseMetadata"]["HTTPStatusCode"] == 200
    else:
        assert one.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


def test_accounts_and_regions_are_apart(url: str) -> None:
    client("logs", url, key="111111111111").create_log_group(logGroupName="one")
    assert client("logs", url).describe_log_groups()["logGroups"] == []
    assert client("logs", url, key="111111111111", region="eu-west-1").describe_log_groups()["logGroups"] == []
    client("s3", url, key="111111111111").create_bucket(Bucket="theirs")
    assert client("s3", url).list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        client("s3", url).list_objects_v2(Bucket="theirs")


def test_a_service_that_nobody_emulates(url: str) -> None:
    with pytest.raises(ClientError) as raised:
        client("chatbot", url).describe_chime_webhook_configurations()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
