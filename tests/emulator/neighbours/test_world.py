"""The neighbours' state outlives `kill -9`: a real process, killed between two requests."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from structlog.testing import capture_logs

from emulator.clock import Clock
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.ports import LogEvent
from emulator.neighbours.snapshot_file import SnapshotFile
from emulator.neighbours.world import MotoWorld, NeighboursStateError

ACCOUNT = "000000000000"
USUAL = """
acm applicationautoscaling autoscaling awslambda cloudformation cloudwatch dynamodb ec2 elb elbv2 events iam kinesis kms
logs rds route53 s3 secretsmanager servicediscovery sns sqs ssm stepfunctions sts
"""
REPOSITORY = Path(__file__).parents[3]


@contextmanager
def process(path: Path) -> Iterator[str]:
    """A server process with its state in `path`, ended by SIGKILL."""
    command = [sys.executable, "-m", "tests.api.neighbour_server", str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


def client(service: str, url: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # a Literal of 400 names
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_everything_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "neighbours.db"
    now = int(Clock().now().timestamp() * 1000)
    with process(path) as url:
        s3, logs, ec2, iam = (client(name, url) for name in ("s3", "logs", "ec2", "iam"))
        s3.create_bucket(Bucket="photos")
        s3.put_object(Bucket="photos", Key="big", Body=b"0" * 6_000_000)
        s3.put_object(Bucket="photos", Key="k", Body=b"old")
        s3.put_object(Bucket="photos", Key="k", Body=b"new")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        policy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
        iam.attach_role_policy(RoleName="r", PolicyArn=policy)
        logs.create_log_group(logGroupName="/g")
        logs.create_log_stream(logGroupName="/g", logStreamName="s")
        for text in ("one", "two"):
            logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=[{"timestamp": now, "message": text}])
        client("secretsmanager", url).create_secret(Name="s", SecretString="hush")
        client("ssm", url).put_parameter(Name="/p", Value="v", Type="String")
        client("sqs", url).create_queue(QueueName="q")
        client("sqs", url).send_message(QueueUrl=f"{url}/{ACCOUNT}/q", MessageBody="hello")
        ec2.create_launch_template(
            LaunchTemplateName="template", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.large"}
        )
        scaling = client("autoscaling", url)
        scaling.create_auto_scaling_group(
            AutoScalingGroupName="g",
            LaunchTemplate={"LaunchTemplateName": "template"},
            MinSize=0,
            MaxSize=2,
            DesiredCapacity=2,
            AvailabilityZones=["us-east-1a"],
        )
        made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    with process(path) as url:
        s3, logs, ec2, iam = (client(name, url) for name in ("s3", "logs", "ec2", "iam"))
        assert s3.get_object(Bucket="photos", Key="k")["Body"].read() == b"new"
        assert len(s3.get_object(Bucket="photos", Key="big")["Body"].read()) == 6_000_000
        attached = iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
        assert [item["PolicyArn"] for item in attached] == [policy]
        assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 1
        events = logs.get_log_events(logGroupName="/g", logStreamName="s")["events"]
        assert [event["message"] for event in events] == ["one", "two"]
        assert client("secretsmanager", url).get_secret_value(SecretId="s")["SecretString"] == "hush"
        assert client("ssm", url).get_parameter(Name="/p")["Parameter"]["Value"] == "v"
        received = client("sqs", url).receive_message(QueueUrl=f"{url}/{ACCOUNT}/q")
        assert received["Messages"][0]["Body"] == "hello"
        assert made in {i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]}
        # the group and EC2 still mean the same instances
        client("autoscaling", url).set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)
        ec2.terminate_instances(InstanceIds=[made])
        states = [i["State"]["Name"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
        assert states == ["terminated"] * 3
        s3.delete_object(Bucket="photos", Key="big")
        logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=[{"timestamp": now, "message": "three"}])
    with process(path) as url:
        events = client("logs", url).get_log_events(logGroupName="/g", logStreamName="s")["events"]
        assert [event["message"] for event in events] == ["one", "two", "three"]
        listed = client("s3", url).list_objects_v2(Bucket="photos")["Contents"]
        assert [item["Key"] for item in listed] == ["k"]


def test_stacks_hold_the_same_objects_after_a_kill(tmp_path: Path) -> None:
    template = '{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "stacked"}}}}'
    with process(tmp_path / "n.db") as url:
        client("cloudformation", url).create_stack(StackName="one", TemplateBody=template)
    with process(tmp_path / "n.db") as url:
        assert [bucket["Name"] for bucket in client("s3", url).list_buckets()["Buckets"]] == ["stacked"]
        client("cloudformation", url).delete_stack(StackName="one")
        assert client("s3", url).list_buckets()["Buckets"] == []


def test_a_port_call_is_saved_by_the_worker(tmp_path: Path) -> None:
    clock = Clock(rate=0)
    world = MotoWorld(clock, ACCOUNT, tmp_path / "n.db")
    neighbours = MotoNeighbours(world)
    neighbours.create_log_stream(ACCOUNT, "us-east-1", "/g", "s", create_group=True)
    neighbours.put_log_events(ACCOUNT, "us-east-1", "/g", "s", [LogEvent(clock.now(), "m")])
    world.close()
    world = MotoWorld(clock, ACCOUNT, tmp_path / "n.db")
    try:
        last = MotoNeighbours(world).last_log_event(ACCOUNT, "us-east-1", "/g", "s")
        assert last is not None
        assert last.replace(microsecond=0) == clock.now().replace(microsecond=0)
        assert MotoNeighbours(world).last_log_event(ACCOUNT, "us-east-1", "/g", "none") is None
    finally:
        world.close()


def test_what_a_row_will_tell_of_is_on_the_disk_before_it(tmp_path: Path) -> None:
    path, there = tmp_path / "neighbours.db", ("ec2", ACCOUNT, "us-east-1")
    world = MotoWorld(Clock(), ACCOUNT, path)
    world.worker.shutdown()  # the process dies before its thread comes to what was to be saved soon
    (vpc,) = world.backend(*there).vpcs  # the first look makes it, and nobody asked to have it saved
    world.save_waiting()
    group = world.backend(*there).create_security_group("rows", "tell of it", vpc_id=vpc, tags={})
    with pytest.raises(RuntimeError):
        world.save_soon("compute")
    world.save_waiting()
    again = MotoWorld(Clock(), ACCOUNT, path)
    assert [*again.backend(*there).vpcs] == [vpc]
    assert again.backend(*there).get_security_group_from_id(group.id) is not None
    again.close()


def test_a_world_without_state_imports_no_moto(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from emulator.clock import Clock
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.snapshot_file import SnapshotFile
from emulator.neighbours.world import MotoWorld, NeighboursStateError
import api.neighbours
world = MotoWorld(Clock(), "000000000000", Path(sys.argv[1]))
neighbours = MotoNeighbours(world)
assert neighbours.instances("000000000000", "us-east-1") == []
assert neighbours.zones("us-east-1")[0] == "us-east-1a"
assert neighbours.last_log_event("000000000000", "us-east-1", "g", "s") is None
world.reset()
assert not any(name == "moto" or name.startswith("moto.") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "n.db")], cwd=REPOSITORY, check=True)


def test_an_unreadable_file_is_told_and_not_written_over(tmp_path: Path) -> None:
    file = SnapshotFile(tmp_path / "n.db")
    file.put_segment("logs", b"no pickle")
    world = MotoWorld(Clock(), ACCOUNT, tmp_path / "n.db")
    try:
        for _ in range(2):
            with pytest.raises(NeighboursStateError, match="a reset forgets it"):
                world.open()
        assert file.segments() == {"logs": b"no pickle"}
        world.reset()
        world.open()
    finally:
        world.close()
        file.close()


def test_every_usual_service_can_be_kept(tmp_path: Path) -> None:
    names = USUAL.split()
    world = MotoWorld(Clock(), ACCOUNT, tmp_path / "n.db")
    with capture_logs() as told:
        for name in names:
            world.backend(name, ACCOUNT, "aws" if name in {"iam", "s3", "route53", "sts"} else "us-east-1")
        world.save()
    assert told == []
    count = world.count()
    world.close()
    world = MotoWorld(Clock(), ACCOUNT, tmp_path / "n.db")
    world.open()
    assert world.count() == count
    world.close()


@pytest.mark.parametrize("path", [None, "n.db"])
def test_reset_forgets(tmp_path: Path, path: str | None) -> None:
    world = MotoWorld(Clock(), ACCOUNT, tmp_path / path if path else None)
    neighbours = MotoNeighbours(world)
    try:
        neighbours.create_log_stream(ACCOUNT, "us-east-1", "/g", "s", create_group=True)
        world.save()
        world.reset()
        with world.lock:
            assert world.backend("logs", ACCOUNT, "us-east-1").groups == {}
    finally:
        world.close()
