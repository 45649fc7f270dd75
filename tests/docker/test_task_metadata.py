"""What containers learn of themselves, asked from inside of them in each network mode that has a way out."""

import json
from typing import Any

import boto3
import pytest

from tests.docker.engine_stage import Tasks, address_of, docker
from tests.running import RunningServer

pytestmark = [pytest.mark.docker]


def asked(runtime_id: str, url: str) -> Any:
    """What a container is answered; `url` may name its variables."""
    return json.loads(docker("exec", runtime_id, "sh", "-c", f'wget -q -O - "{url}"'))


@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_a_container_and_its_task(tasks: Tasks, mode: str) -> None:
    tasks.define({"cpu": 64}, {"name": "other", "essential": False}, networkMode=mode)
    task = tasks.run(tags=[{"key": "team", "value": "blue"}])
    shown = {container["name"]: container for container in task["containers"]}
    runtime_id = shown["app"]["runtimeId"]
    found = asked(runtime_id, "$ECS_CONTAINER_METADATA_URI_V4")
    assert (found["Name"], found["DockerId"], found["ContainerARN"]) == (
        "app",
        runtime_id,
        shown["app"]["containerArn"],
    )
    assert docker("inspect", "-f", "{{.Name}}", runtime_id).strip() == f"/{found['DockerName']}"
    assert (found["KnownStatus"], found["Limits"]) == ("RUNNING", {"CPU": 64, "Memory": 32})
    assert found["Labels"]["com.amazonaws.ecs.task-arn"] == task["taskArn"]
    whole = asked(runtime_id, "$ECS_CONTAINER_METADATA_URI_V4/task")
    assert (whole["TaskARN"], whole["Family"], whole["LaunchType"]) == (task["taskArn"], "app", "EC2")
    assert whole["AvailabilityZone"] == task["availabilityZone"]
    assert {container["Name"] for container in whole["Containers"]} == {"app", "other"}
    assert "TaskTags" not in whole
    assert asked(runtime_id, "$ECS_CONTAINER_METADATA_URI_V4/taskWithTags")["TaskTags"] == {"team": "blue"}
    if mode == "bridge":  # it is where it was after a restart
        tasks.server.kill()
        tasks.server.start()
        assert asked(runtime_id, "$ECS_CONTAINER_METADATA_URI_V4")["Name"] == "app"
    used = asked(runtime_id, "$ECS_CONTAINER_METADATA_URI_V4/stats")
    assert used["memory_stats"]["limit"] == 32 << 20
    assert runtime_id in asked(runtime_id, "$ECS_CONTAINER_METADATA_URI_V4/task/stats")
    tasks.stop(task["taskArn"])


def test_a_fargate_task_and_its_roles_credentials(engine_server: RunningServer, tasks: Tasks) -> None:
    role = "arn:aws:iam::000000000000:role/app"
    subnet = engine_server.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    tasks.define(networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", taskRoleArn=role)
    place = {"awsvpcConfiguration": {"subnets": [subnet]}}
    task = tasks.run(launchType="FARGATE", networkConfiguration=place)
    (container,) = task["containers"]
    whole = asked(container["runtimeId"], "$ECS_CONTAINER_METADATA_URI_V4/task")
    assert (whole["LaunchType"], whole["Limits"]) == ("FARGATE", {"CPU": 0.25, "Memory": 512})
    (network,) = whole["Containers"][0]["Networks"]
    assert (network["NetworkMode"], network["IPv4Addresses"]) == ("awsvpc", [address_of(task)])
    credentials = asked(container["runtimeId"], "$AWS_CONTAINER_CREDENTIALS_FULL_URI")
    assert credentials["RoleArn"] == role
    # the role's keys say who calls
    keys = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["Token"],
    }

    sts: Any = boto3.client("sts", region_name="us-east-1", endpoint_url=engine_server.url, **keys)
    assert sts.get_caller_identity()["Arn"].startswith("arn:aws:sts::000000000000:assumed-role/app/")
    # neither the administrative API nor another task's credentials are to be had from inside
    for path in ("/_ashore/status", "/v2/credentials/0"):
        base = "${ECS_CONTAINER_METADATA_URI_V4%/v4*}"
        answer = docker("exec", container["runtimeId"], "sh", "-c", f'wget -q -O - "{base}{path}" 2>&1 || echo refused')
        assert answer.endswith("refused\n")
    tasks.stop(task["taskArn"])


def test_containers_reach_the_aws_services_of_the_server(engine_server: RunningServer, tasks: Tasks) -> None:
    tasks.define()
    task = tasks.run()
    engine_server.client("s3").create_bucket(Bucket="from-inside")
    engine_server.client("s3").put_object(Bucket="from-inside", Key="greeting", Body=b'"hello"', ACL="public-read")
    assert asked(task["containers"][0]["runtimeId"], "$AWS_ENDPOINT_URL/from-inside/greeting") == "hello"
    tasks.stop(task["taskArn"])
