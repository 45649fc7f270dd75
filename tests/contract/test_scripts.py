"""The simulated runtime, scripted: what boto3 sees of slow pulls, crashes and sick containers, on a clock that tests move."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.running import RunningServer

CHECK = {"command": ["CMD-SHELL", "true"], "interval": 5}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    state = tmp_path_factory.mktemp("scripts") / "state"
    running = RunningServer(state, runtime="simulated", preset="demo", clock="paused")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def empty(server: RunningServer) -> None:
    server.admin("POST", "reset")


def script(server: RunningServer, pattern: str, **members: object) -> None:
    listed = server.admin("POST", "runtime/scripts", {"pattern": pattern, **members})["scripts"]
    assert listed[0]["pattern"] == pattern


def advance(server: RunningServer, seconds: float) -> None:
    server.admin("POST", "clock", {"advance": seconds})


def define(server: RunningServer, *containers: dict[str, Any]) -> None:
    standard = {"name": "app", "image": "web:1", "memory": 64}
    server.client("ecs").register_task_definition(
        family="web", containerDefinitions=[{**standard, **container} for container in containers or ({},)]
    )


def run(server: RunningServer) -> str:
    arn: str = server.client("ecs").run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    advance(server, 0)
    return arn


def task(server: RunningServer, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = server.client("ecs").describe_tasks(tasks=[arn])["tasks"][0]
    return found


def test_a_slow_pull_and_a_slow_start_are_seen_while_they_last(server: RunningServer) -> None:
    script(server, "web:*", pull=60, start=30)
    define(server)
    arn = run(server)
    advance(server, 89)
    pending = task(server, arn)
    assert (pending["lastStatus"], pending["desiredStatus"]) == ("PENDING", "RUNNING")
    assert pending["pullStoppedAt"] - pending["pullStartedAt"] == timedelta(seconds=60)
    advance(server, 1)
    running = task(server, arn)
    assert running["lastStatus"] == "RUNNING"
    assert running["startedAt"] - running["createdAt"] == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("members", "stop_code", "container"),
    [
        ({"exit_code": 3, "runs_for": 10}, "EssentialContainerExited", {"exitCode": 3}),
        ({"exit_code": 0}, "EssentialContainerExited", {"exitCode": 0}),
        (
            {"out_of_memory": True},
            "EssentialContainerExited",
            {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"},
        ),
        ({"pull_error": "no such image"}, "TaskFailedToStart", {"reason": "CannotPullContainerError: no such image"}),
        ({"start_error": "no such file"}, "TaskFailedToStart", {"reason": "CannotStartContainerError: no such file"}),
    ],
)
def test_how_tasks_end(
    server: RunningServer, members: dict[str, object], stop_code: str, container: dict[str, object]
) -> None:
    script(server, "web:*", **members)
    define(server)
    arn = run(server)
    advance(server, 10)
    stopped = task(server, arn)
    assert (stopped["lastStatus"], stopped["stopCode"]) == ("STOPPED", stop_code)
    (shown,) = stopped["containers"]
    assert {name: shown.get(name) for name in ("exitCode", "reason")} == {"exitCode": None, "reason": None, **container}


def test_stopping_takes_its_time_and_the_deaf_are_killed(server: RunningServer) -> None:
    script(server, "web:1", stop=12, stop_exit_code=0)
    script(server, "deaf:1", stop=60)
    define(server, {}, {"name": "deaf", "image": "deaf:1", "stopTimeout": 20})
    arn = run(server)
    server.client("ecs").stop_task(task=arn)
    advance(server, 19)
    assert task(server, arn)["lastStatus"] == "STOPPING"
    advance(server, 1)
    stopped = task(server, arn)
    assert stopped["lastStatus"] == "STOPPED"
    assert {c["name"]: c["exitCode"] for c in stopped["containers"]} == {"app": 0, "deaf": 137}
    assert stopped["stoppedAt"] - stopped["stoppingAt"] == timedelta(seconds=20)


def test_a_start_timeout_goes_on_over_the_death_of_the_server(server: RunningServer) -> None:
    script(server, "slow:1", pull=60)
    after = [{"containerName": "first", "condition": "COMPLETE"}]
    first = {"name": "first", "image": "slow:1", "essential": False, "startTimeout": 30}
    define(server, first, {"name": "web", "dependsOn": after}, {"name": "side"})
    arn = run(server)
    advance(server, 80)
    server.kill()
    server.start()
    advance(server, 9)
    pending = task(server, arn)
    assert (pending["lastStatus"], pending["desiredStatus"]) == ("PENDING", "RUNNING")
    advance(server, 1)
    stopped = task(server, arn)
    assert (stopped["lastStatus"], stopped["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    web = next(container for container in stopped["containers"] if container["name"] == "web")
    assert web["reason"].endswith("container ordering dependency [first] for target [web] has timed out.")
    assert stopped["stoppingAt"] - stopped["createdAt"] == timedelta(seconds=90)


def ended(server: RunningServer) -> list[dict[str, Any]]:
    """The stopped tasks of the service `web`, in the order of their beginning."""
    ecs = server.client("ecs")
    arns = ecs.list_tasks(serviceName="web", desiredStatus="STOPPED")["taskArns"]
    found: list[dict[str, Any]] = ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
    return sorted(found, key=lambda task: task["createdAt"])


def test_a_service_replaces_tasks_that_crash_until_their_image_is_mended(server: RunningServer) -> None:
    script(server, "web:*", runs_for=20, exit_code=1)
    define(server)
    ecs = server.client("ecs")
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    advance(server, 100)
    stopped = ended(server)
    assert len(stopped) >= 3
    assert {(found["stopCode"], found["containers"][0]["exitCode"]) for found in stopped} == {
        ("EssentialContainerExited", 1)
    }
    server.admin("DELETE", "runtime/scripts")
    advance(server, 100)
    service = ecs.describe_services(services=["web"])["services"][0]
    assert service["runningCount"] == 1
    assert service["events"][0]["message"] == "(service web) has reached a steady state."


def test_a_service_whose_tasks_never_run_tries_ever_more_slowly(server: RunningServer) -> None:
    script(server, "web:*", pull_error="no such image")
    define(server)
    server.client("ecs").create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    advance(server, 600)
    stopped = ended(server)
    assert {found["stopCode"] for found in stopped} == {"TaskFailedToStart"}
    began = [found["createdAt"] for found in stopped]
    assert len(began) >= 4
    assert began[-1] - began[-2] > began[1] - began[0]


def test_a_task_that_becomes_unhealthy_is_replaced_by_its_service_only(server: RunningServer) -> None:
    script(server, "web:*", health="UNHEALTHY", health_after=45)
    define(server, {"healthCheck": CHECK})
    ecs = server.client("ecs")
    alone = run(server)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    advance(server, 0)
    (served,) = ecs.list_tasks(serviceName="web")["taskArns"]
    advance(server, 44)
    assert {task(server, arn)["healthStatus"] for arn in (alone, served)} == {"UNKNOWN"}
    script(server, "web:*", health="HEALTHY", health_after=1)
    advance(server, 30)
    assert (task(server, alone)["lastStatus"], task(server, alone)["healthStatus"]) == ("RUNNING", "UNHEALTHY")
    stopped = task(server, served)
    assert (stopped["desiredStatus"], stopped["stopCode"]) == ("STOPPED", "ServiceSchedulerInitiated")
    assert "failed container health checks" in stopped["stoppedReason"]
    advance(server, 60)
    (replacement,) = ecs.list_tasks(serviceName="web")["taskArns"]
    assert task(server, replacement)["healthStatus"] == "HEALTHY"


def test_scripts_go_on_after_kill_9(server: RunningServer) -> None:
    script(server, "web:*", runs_for=100, exit_code=9)
    define(server)
    arn = run(server)
    advance(server, 40)
    server.kill()
    server.start()
    assert task(server, arn)["lastStatus"] == "RUNNING"
    advance(server, 59)
    assert task(server, arn)["lastStatus"] == "RUNNING"
    advance(server, 1)
    stopped = task(server, arn)
    assert (stopped["lastStatus"], stopped["containers"][0]["exitCode"]) == ("STOPPED", 9)
    assert stopped["stoppedAt"] - stopped["startedAt"] == timedelta(seconds=100)
    assert [found["pattern"] for found in server.admin("GET", "runtime/scripts")["scripts"]] == ["web:*"]


def test_the_command(server: RunningServer) -> None:
    server.run("ashore", "simulate", "set", "web:*", "--pull", "3", "--exit-code", "2")
    listed = json.loads(server.run("ashore", "simulate", "ls", "-o", "json"))
    assert [(s["pattern"], s["pull"], s["exit_code"], s["runs_for"]) for s in listed] == [("web:*", 3, 2, 1)]
    assert "pull 3.0  runs-for 1.0  exit-code 2" in server.run("ashore", "simulate", "ls")
    assert "no scripts" in server.run("ashore", "simulate", "rm", "web:*")
    missing = subprocess.run(
        ["ashore", "simulate", "rm", "web:*"], env=server.environment, capture_output=True, text=True, check=False
    )
    assert missing.returncode != 0
    assert "no script for web:*" in missing.stderr
    wrong = subprocess.run(
        ["ashore", "simulate", "set", "x", "--health", "fine"],
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "health: Input should be 'HEALTHY', 'UNHEALTHY' or 'UNKNOWN'" in wrong.stderr


def test_reset_forgets_scripts(server: RunningServer) -> None:
    script(server, "web:*", exit_code=1)
    server.admin("POST", "reset")
    assert server.admin("GET", "runtime/scripts")["scripts"] == []
    server.kill()
    server.start()
    assert server.admin("GET", "runtime/scripts")["scripts"] == []
