"""The two roles of a task on a real engine, where permissions are enforced: one pulls, the other is what containers call with."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.identities import denials, document, make_role
from tests.docker.engine_stage import Tasks, docker
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]
REPOSITORY = "arn:aws:ecr:us-east-1:000000000000:repository/team/app"
LOGIN = {"Action": "ecr:GetAuthorizationToken"}
PULL = {"Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": REPOSITORY}


@pytest.fixture(scope="module")
def server(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    del engine
    folder = tmp_path_factory.mktemp("roles") / "state"
    running = RunningServer(folder, runtime="docker", preset="demo", iam="strict")
    yield running
    running.stop()


@pytest.fixture
def image(server: RunningServer, busybox: str) -> Iterator[str]:
    """An image in our own registry, pushed by the account's root."""
    server.client("ecr").create_repository(repositoryName="team/app")
    name = f"localhost:{server.port}/team/app:v1"
    password = server.run("aws", "ecr", "get-login-password")
    login = ("login", "--username", "AWS", "--password-stdin", f"localhost:{server.port}")
    server.run("docker", *login, stdin=password)
    server.run("docker", "tag", busybox, name)
    server.run("docker", "push", "--quiet", name)
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False)


def test_the_execution_role_pulls_and_the_task_role_calls(server: RunningServer, image: str) -> None:
    tasks, iam = Tasks(server, image), server.client("iam")
    execution, app = make_role(server, "execution"), make_role(server, "app")
    tasks.define(executionRoleArn=execution, taskRoleArn=app)
    reasons = [stopped_reason(tasks)]
    iam.put_role_policy(RoleName="execution", PolicyName="own", PolicyDocument=document(LOGIN))
    reasons.append(stopped_reason(tasks))
    assert reasons[0].startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")
    assert "/execution/" in reasons[0]
    assert "is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity" in reasons[0]
    assert reasons[1].startswith("CannotPullContainerError: ")
    assert f"is not authorized to perform: ecr:BatchGetImage on resource: {REPOSITORY} because" in reasons[1]
    iam.put_role_policy(RoleName="execution", PolicyName="own", PolicyDocument=document(LOGIN, PULL))
    task = tasks.run()
    s3 = client_of(server, task)
    server.client("s3").create_bucket(Bucket="data")
    with pytest.raises(ClientError, match=r"assumed-role/app/.* is not authorized to perform: s3:PutObject"):
        s3.put_object(Bucket="data", Key="k", Body=b"x")
    allowed = document({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"})
    iam.put_role_policy(RoleName="app", PolicyName="own", PolicyDocument=allowed)
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    told = dict.fromkeys(item["action"] for item in denials(server))  # the engine asks for a manifest twice
    assert list(told) == ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "s3:PutObject"]
    tasks.stop(task["taskArn"])


def stopped_reason(tasks: Tasks) -> str:
    """Why the container of a new task did not start."""
    (arn,) = tasks.start()
    (container,) = tasks.when(arn, "STOPPED")["containers"]
    return str(container["reason"])


def client_of(server: RunningServer, task: dict[str, Any]) -> Any:
    """A client of S3 with the credentials that the task's container is given."""
    inside = task["containers"][0]["runtimeId"]
    found = json.loads(docker("exec", inside, "sh", "-c", 'wget -q -O - "$AWS_CONTAINER_CREDENTIALS_FULL_URI"'))
    make: Any = boto3.client
    return make(
        "s3",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["Token"],
    )
