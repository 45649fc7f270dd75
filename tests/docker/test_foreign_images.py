"""Images that are not the task's account's own: its repository's policy, or a login that the definition names, lets them in."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import RunningServer

pytestmark = [pytest.mark.docker]

OTHER = "111122223333"


@pytest.fixture(scope="module")
def image(engine_server: RunningServer, busybox: str) -> Iterator[str]:
    """`shop/cart:v1` of the usual account, which is on the engine under no name of a registry."""
    engine_server.client("ecr").create_repository(repositoryName="shop/cart")
    host = f"localhost:{engine_server.port}"
    password = engine_server.run("aws", "ecr", "get-login-password")
    engine_server.run("docker", "login", "-u", "AWS", "--password-stdin", host, stdin=password)
    name = f"{host}/shop/cart:v1"
    engine_server.run("docker", "tag", busybox, name)
    engine_server.run("docker", "push", "-q", name)
    engine_server.run("docker", "rmi", name)
    yield name
    for pulled in (name, _uri(engine_server)):
        subprocess.run(["docker", "rmi", pulled], capture_output=True, check=False)


def _uri(server: RunningServer) -> str:
    return f"localhost:{server.port}/000000000000.dkr.ecr.us-east-1.amazonaws.com/shop/cart:v1"


def _run(server: RunningServer, **container: Any) -> dict[str, Any]:
    """A task of the other account on Fargate, once it runs or has stopped."""
    ecs, role = server.client("ecs", account=OTHER), f"arn:aws:iam::{OTHER}:role/ecsTaskExecutionRole"
    standard = {"name": "app", "command": ["sleep", "300"], "stopTimeout": 2, **container}
    ecs.create_cluster()
    ecs.register_task_definition(
        family="app", containerDefinitions=[standard], requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
        cpu="256", memory="512", executionRoleArn=role,
    )  # fmt: skip
    subnet = server.client("ec2", account=OTHER).describe_subnets()["Subnets"][0]["SubnetId"]
    network: Any = {"awsvpcConfiguration": {"subnets": [subnet]}}
    made = ecs.run_task(taskDefinition="app", launchType="FARGATE", networkConfiguration=network)["tasks"][0]

    def show() -> dict[str, Any]:
        found: dict[str, Any] = ecs.describe_tasks(tasks=[made["taskArn"]])["tasks"][0]
        return found

    server.wait_until(lambda: show()["lastStatus"] in {"RUNNING", "STOPPED"}, 60)
    reached = show()
    if reached["lastStatus"] == "RUNNING":
        ecs.stop_task(task=made["taskArn"])
    server.wait_until(lambda: show()["lastStatus"] == "STOPPED", 60)
    return reached


def test_the_repositorys_policy_lets_another_accounts_task_pull(engine_server: RunningServer, image: str) -> None:
    assert image
    task = _run(engine_server, image=_uri(engine_server))
    assert task["lastStatus"] == "STOPPED"
    assert "CannotPullContainerError" in task["stoppedReason"]
    assert f"arn:aws:sts::{OTHER}:assumed-role/ecsTaskExecutionRole" in task["stoppedReason"]
    assert "is not authorized to perform: ecr:BatchGetImage" in task["stoppedReason"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/ecsTaskExecutionRole"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    engine_server.client("ecr").set_repository_policy(repositoryName="shop/cart", policyText=policy)
    assert _run(engine_server, image=_uri(engine_server))["lastStatus"] == "RUNNING"


def test_a_login_of_the_definition_goes_before_the_accounts_own(engine_server: RunningServer, image: str) -> None:
    secrets = engine_server.client("secretsmanager", account=OTHER)
    login = {"username": "AWS", "password": engine_server.run("aws", "ecr", "get-login-password").strip()}
    secret = secrets.create_secret(Name="registry", SecretString=json.dumps(login))["ARN"]
    assert "does not exist in the registry" in _run(engine_server, image=image)["stoppedReason"]
    named = _run(engine_server, image=image, repositoryCredentials={"credentialsParameter": secret})
    assert named["lastStatus"] == "RUNNING"
    absent = _run(engine_server, image=image, repositoryCredentials={"credentialsParameter": f"{secret}x"})
    assert "unable to get registry auth from asm" in absent["stoppedReason"]
