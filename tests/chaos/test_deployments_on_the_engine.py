"""`kill -9` during deployments of real containers under requests, one of which dies, too, while nobody looks after it.

CI plays one seed; `make chaos` plays five.
"""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scenario import Scenario
from tests.docker.engine_stage import docker
from tests.emulator.runtime import images
from tests.fronts import make_front
from tests.generator import ask
from tests.running import RunningServer, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

SEEDS = int(os.environ.get("ASHORE_CHAOS_ENGINE_SEEDS", "1"))
IMAGE = f"ashore-test-chaos:{os.environ.get('PYTEST_XDIST_WORKER', '1')}"
SCRIPT = "mkdir -p /www && echo version-$VERSION > /www/index.html && exec httpd -f -p 80 -h /www"
TASKS = 2
KILLS = 2
LONGEST = 4.0
"""Seconds of real time until the server is killed, at most; a deployment takes a few times as long."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    images.make(IMAGE)
    running = RunningServer(tmp_path / "state", runtime="docker", preset="demo", clock="x10")
    yield running
    running.stop()
    images.remove(IMAGE)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_deployment_ends_the_same_and_containers_are_adopted(server: RunningServer, seed: int) -> None:
    chance = random.Random(seed)
    front = make_front(server, **{"deregistration_delay.timeout_seconds": "30"})
    scenario = Scenario(server, front, seed, TASKS)
    scenario.create(**_container("1"))
    server.wait_until(scenario.ended, 120)
    server.wait_until(lambda: ask(front.port, front.dns_name).said == "version-1")
    with scenario.requests:
        scenario.update(**_container("2"))
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(0.0, LONGEST))  # the moment is what is random here
            scenario.die()
        server.wait_until(scenario.ended, 120)
        scenario.die(lambda: docker("kill", running()[0]))  # no request may be sent to it
        server.wait_until(lambda: len(running()) == TASKS and scenario.rests(), 120)
    scenario.check(IMAGE)
    scenario.check_requests(["version-1", "version-2"])
    wait_until(lambda: len(docker("ps", "-aq", "--filter", f"ancestor={IMAGE}").split()) == TASKS)
    scenario.check_end()
    assert docker("ps", "-aq", "--filter", f"ancestor={IMAGE}") == ""


def running() -> list[str]:
    """The service's containers."""
    return docker("ps", "-q", "--filter", f"ancestor={IMAGE}").split()


def _container(version: str) -> dict[str, object]:
    return {
        "image": IMAGE,
        "command": ["sh", "-c", SCRIPT],
        "environment": [{"name": "VERSION", "value": version}],
        "stopTimeout": 2,
    }
