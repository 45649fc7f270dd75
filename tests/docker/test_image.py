"""The Dockerfile and docker-compose.yml: the emulator in a container, not as root, with the engine's socket (`make image-test`)."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulator.runtime import images
from tests.running import free_port, wait_until
from tests.server_process import REPOSITORY

pytestmark = [pytest.mark.image, pytest.mark.docker, pytest.mark.timeout(600), pytest.mark.usefixtures("engine")]

BUSYBOX = "ashore-test/image:1"


class Composed:
    """The project that compose runs, under a name, a port and a volume of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.name = free_port(), f"ashore-test-{os.getpid()}"
        own = {
            "ASHORE_PORT": str(self.port),
            "ASHORE_IMAGE": "ashore-test/ashore",
            "ASHORE_DOCKER_GROUP": str(Path("/var/run/docker.sock").stat().st_gid),
            "COMPOSE_PROJECT_NAME": self.name,
            "DOCKER_CONFIG": str(folder),
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("ASHORE_", "AWS_"))}
        self.environment = {**clean, **own}

    def run(self, *command: str, stdin: str | None = None) -> str:
        """What a command prints on both channels; it must succeed."""
        done = subprocess.run(
            command, env=self.environment, cwd=REPOSITORY, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def ashore(self, *arguments: str) -> str:
        """What the `ashore` command prints inside the container."""
        return self.run("docker", "exec", self.container, "ashore", *arguments)

    @property
    def container(self) -> str:
        """Its id."""
        label = f"label=com.docker.compose.project={self.name}"
        return self.run("docker", "ps", "-aq", "--filter", label).strip()

    def aws(self, service: str) -> Any:
        """A boto3 client, on the machine."""
        make: Callable[..., Any] = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return make(service, region_name="us-east-1", endpoint_url=f"http://localhost:{self.port}", **keys)

    def healthy(self) -> bool:
        """Whether the health check says so."""
        return self.run("docker", "inspect", "-f", "{{.State.Health.Status}}", self.container).strip() == "healthy"


@pytest.fixture(scope="module")
def composed(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    del engine
    if shutil.which("docker-compose") is None:
        pytest.skip("no docker-compose")
    made = Composed(tmp_path_factory.mktemp("docker"))
    made.run("docker", "build", "--network", "host", "-t", "ashore-test/ashore", ".")
    made.run("docker-compose", "up", "-d", "--no-build")
    images.make(BUSYBOX)
    try:
        wait_until(made.healthy, 90)
        yield made
        subprocess.run(["docker", "exec", made.container, "ashore", "stop", "--grace", "1"], check=False)
        made.run("docker", "wait", made.container)
    finally:
        made.run("docker-compose", "down", "-v", "-t", "5")
        images.remove(BUSYBOX)


def test_it_is_not_root_and_uses_the_engine(composed: Composed) -> None:
    assert composed.run("docker", "exec", composed.container, "id", "-u").strip() == "1000"
    assert "runtime docker" in composed.ashore("status")
    assert len(composed.aws("ecs").list_container_instances()["containerInstanceArns"]) == 6


def test_a_push_and_a_task_of_what_was_pushed(composed: Composed) -> None:
    repository = composed.aws("ecr").create_repository(repositoryName="app")["repository"]["repositoryUri"]
    assert repository == f"localhost:{composed.port}/app"
    here = f"AWS_ENDPOINT_URL='http://localhost:{composed.port}'"
    assert here in composed.ashore("env")  # inside as outside
    login = ("docker", "login", "-u", "AWS", "--password-stdin", f"localhost:{composed.port}")
    assert "Login Succeeded" in composed.run(*login, stdin=_password(composed))
    composed.run("docker", "tag", BUSYBOX, f"{repository}:v1")
    composed.run("docker", "push", f"{repository}:v1")
    composed.run("docker", "rmi", f"{repository}:v1")
    ecs = composed.aws("ecs")
    port = {"containerPort": 8000, "hostPort": 0}
    serve = ["/bin/busybox", "httpd", "-f", "-p", "8000"]
    ecs.register_task_definition(
        family="app",
        containerDefinitions=[
            {"name": "app", "image": f"{repository}:v1", "memory": 64, "command": serve, "portMappings": [port]}
        ],
    )
    arn = ecs.run_task(taskDefinition="app")["tasks"][0]["taskArn"]
    wait_until(lambda: _task(ecs, arn)["lastStatus"] in {"RUNNING", "STOPPED"}, 60)
    task = _task(ecs, arn)
    assert task["lastStatus"] == "RUNNING", task
    (bound,) = task["containers"][0]["networkBindings"]
    page = f"http://{bound['bindIP']}:{bound['hostPort']}/"
    answer = composed.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", page)
    assert answer == "404"  # busybox's server answers, on the host's own address
    inside = composed.run("docker", "inspect", "-f", "{{.Config.Env}}", task["containers"][0]["runtimeId"])
    assert "ECS_CONTAINER_METADATA_URI" not in inside  # not to be had from a container: nothing is pretended


def test_a_container_that_is_made_anew_finds_its_tasks_running(composed: Composed) -> None:
    ecs = composed.aws("ecs")
    before = ecs.list_tasks()["taskArns"]
    composed.run("docker-compose", "kill")
    composed.run("docker-compose", "rm", "-f")
    composed.run("docker-compose", "up", "-d", "--no-build")
    wait_until(composed.healthy, 90)
    assert ecs.list_tasks()["taskArns"] == before
    assert [_task(ecs, arn)["lastStatus"] for arn in before] == ["RUNNING"] * len(before)


def _password(composed: Composed) -> str:
    token = composed.aws("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


def _task(ecs: Any, arn: str) -> Any:
    return ecs.describe_tasks(tasks=[arn])["tasks"][0]
