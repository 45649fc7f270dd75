"""`ashore stop`: everything ends at once and within bounds, whatever containers do; `--keep` leaves them."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.engine_stage import Tasks, docker, ids_of
from tests.running import RunningServer

pytestmark = [pytest.mark.docker]

DEAF = {"command": ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"], "stopTimeout": 120}


@pytest.fixture
def server(engine: None, tmp_path: Path) -> Iterator[RunningServer]:
    del engine
    running = RunningServer(tmp_path / "state", runtime="docker", preset="demo")
    yield running
    running.stop()


def test_what_ignores_sigterm_is_killed_together(server: RunningServer, busybox: str) -> None:
    tasks = Tasks(server, busybox)
    waits = {"dependsOn": [{"containerName": "first", "condition": "START"}]}
    tasks.define({**DEAF, "name": "first"}, {**DEAF, "name": "second", **waits})
    arns = tasks.start(count=4)
    for arn in arns:
        tasks.when(arn, "RUNNING")
    tasks.ecs.stop_task(task=arns[0])  # which would take two minutes, twice
    began = time.monotonic()
    done = subprocess.run(
        ["ashore", "stop", "--grace", "2"], env=server.environment, capture_output=True, text=True, check=True
    )
    took = time.monotonic() - began
    assert took < 60, "not four minutes"
    assert "stopping: 4 tasks left…" in done.stderr
    assert [ids_of(arn) for arn in arns] == [[]] * 4
    server.start()
    shown = tasks.ecs.describe_tasks(tasks=arns)["tasks"]
    assert {(task["lastStatus"], task["stopCode"]) for task in shown[1:]} == {("STOPPED", "TerminationNotice")}
    assert {container["exitCode"] for task in shown for container in task["containers"]} == {137}


def test_keep_leaves_them_and_the_next_server_goes_on(server: RunningServer, busybox: str) -> None:
    tasks = Tasks(server, busybox)
    tasks.define()
    task = tasks.run()
    server.run("ashore", "stop", "--keep")
    (runtime_id,) = ids_of(task["taskArn"], "status=running")
    docker("kill", runtime_id)
    server.start()
    stopped = tasks.when(task["taskArn"], "STOPPED")
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)
    assert ids_of(task["taskArn"]) == []
