"""The main job on a real engine: push, run, serve, look why, kill a container, kill the server."""

import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox","--install","-s","/bin"]
RUN mkdir -p /www && echo hello > /www/index.html
STOPSIGNAL SIGKILL
CMD ["httpd","-f","-p","80","-h","/www"]
"""


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=120).stdout


def containers_of(server: RunningServer, *states: str) -> list[str]:
    """Ids of the containers whose task is the server's."""
    tasks = server.client("ecs").list_tasks()["taskArns"]
    filters = [option for state in states for option in ("--filter", f"status={state}")]
    found = []
    for task in tasks:
        found += docker("ps", "-aq", *filters, "--filter", f"label=com.amazonaws.ecs.task-arn={task}").split()
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "state", runtime="docker", preset="demo")
    yield running
    running.stop()


@pytest.fixture
def image(server: RunningServer, tmp_path: Path) -> Iterator[str]:
    """An image that was pushed to the emulated ECR and is on the engine no more."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (folder / "busybox").chmod(0o755)
    server.client("ecr").create_repository(repositoryName="hello")
    name = f"localhost:{server.port}/hello:v1"
    server.run("docker", "build", "-q", "-t", name, str(folder))
    password = server.run("aws", "ecr", "get-login-password")
    server.run("docker", "login", "-u", "AWS", "--password-stdin", f"localhost:{server.port}", stdin=password)
    server.run("docker", "push", "-q", name)
    server.run("docker", "rmi", "-f", name)
    yield name
    subprocess.run(["docker", "rmi", "-f", name], capture_output=True, check=False)


def test_the_main_job(server: RunningServer, image: str) -> None:
    ecs = server.client("ecs")
    ecs.register_task_definition(
        family="hello",
        containerDefinitions=[
            {
                "name": "app",
                "image": image,
                "memory": 32,
                "portMappings": [{"containerPort": 80, "hostPort": 80}],
            }
        ],
    )
    ecs.create_service(serviceName="hello", taskDefinition="hello", desiredCount=2)

    def steady() -> bool:
        service = ecs.describe_services(services=["hello"])["services"][0]
        return bool(service["runningCount"] == 2 and "steady state" in service["events"][0]["message"])

    server.wait_until(steady)
    tasks = ecs.describe_tasks(tasks=ecs.list_tasks()["taskArns"])["tasks"]
    bindings = [task["containers"][0]["networkBindings"][0] for task in tasks]
    assert len({binding["bindIP"] for binding in bindings}) == 2, "two hosts serve port 80 at once"
    for binding in bindings:
        with urllib.request.urlopen(f"http://{binding['bindIP']}:80/") as page:
            assert page.read() == b"hello\n"
    assert "was placed on" in server.run("ashore", "explain", tasks[0]["taskArn"])

    docker("kill", tasks[0]["containers"][0]["runtimeId"])
    server.wait_until(lambda: tasks[0]["taskArn"] not in ecs.list_tasks()["taskArns"] and steady())
    stopped = ecs.describe_tasks(tasks=[tasks[0]["taskArn"]])["tasks"][0]
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)

    before = sorted(ecs.list_tasks()["taskArns"])
    server.kill()
    server.start()
    assert sorted(ecs.list_tasks()["taskArns"]) == before
    assert {task["lastStatus"] for task in ecs.describe_tasks(tasks=before)["tasks"]} == {"RUNNING"}
    assert len(containers_of(server, "running")) == 2

    left = containers_of(server)
    server.stop()
    for container in left:
        assert not docker("ps", "-aq", "--filter", f"id={container}").strip()


def test_an_image_that_cannot_be_had_fails_the_task(server: RunningServer) -> None:
    ecs = server.client("ecs")
    missing = f"localhost:{server.port}/missing:v1"
    ecs.register_task_definition(family="none", containerDefinitions=[{"name": "a", "image": missing, "memory": 16}])
    task = ecs.run_task(taskDefinition="none")["tasks"][0]["taskArn"]
    server.wait_until(lambda: ecs.describe_tasks(tasks=[task])["tasks"][0]["lastStatus"] == "STOPPED")
    stopped = ecs.describe_tasks(tasks=[task])["tasks"][0]
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert stopped["containers"][0]["reason"].startswith("CannotPullContainerError: ")


def test_what_a_container_writes_is_in_the_logs(server: RunningServer, image: str) -> None:
    ecs, logs = server.client("ecs"), server.client("logs")
    options = {"awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}
    container = {
        "name": "app",
        "image": image,
        "memory": 32,
        "command": ["sh", "-c", "echo one; echo two >&2; exit 3"],
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    ecs.register_task_definition(family="talk", containerDefinitions=[container])

    def ended() -> dict[str, Any]:
        task = ecs.run_task(taskDefinition="talk")["tasks"][0]["taskArn"]
        server.wait_until(lambda: ecs.describe_tasks(tasks=[task])["tasks"][0]["lastStatus"] == "STOPPED")
        found: dict[str, Any] = ecs.describe_tasks(tasks=[task])["tasks"][0]
        return found

    refused = ended()
    assert refused["stopCode"] == "TaskFailedToStart"
    assert refused["containers"][0]["reason"].startswith("ResourceInitializationError: failed to validate logger args")
    logs.create_log_group(logGroupName="/app")
    done = ended()
    assert (done["stopCode"], done["containers"][0]["exitCode"]) == ("EssentialContainerExited", 3)
    stream = f"web/app/{done['taskArn'].rpartition('/')[2]}"
    events = logs.get_log_events(logGroupName="/app", logStreamName=stream)["events"]
    assert sorted(event["message"] for event in events) == ["one", "two"]
    # what `aws logs tail` of version 2 of the command asks
    assert "one" in server.run("aws", "logs", "filter-log-events", "--log-group-name", "/app")
