"""`kill -9` at random moments of deployments under requests: each must end, and answer, as if the server had never died.

A seed says which strategy, when the server is killed and how often; the clock stands still but for what the test advances,
so that only the moment within a step is the machine's. CI plays a few seeds; `make chaos` plays a hundred. Which requests
may fail is said by `tests.generator.failures`.
"""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.scenario import Scenario
from tests.fronts import make_front
from tests.running import RunningServer, wait_until

SEEDS = int(os.environ.get("ASHORE_CHAOS_SEEDS", "2"))
TASKS = 6
KILLS = 3
STEP = 20.0
"""Seconds of the clock for one advance."""
STEPS = 60
"""Advances after which every deployment here has long ended."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "state", runtime="simulated", preset="demo", clock="paused")
    yield running
    running.stop()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_deployment_ends_the_same_however_often_the_server_dies(server: RunningServer, seed: int) -> None:
    chance = random.Random(seed)
    front = make_front(server)
    scenario = Scenario(server, front, seed, TASKS)
    for image in ("web:1", "web:2"):
        made = server.admin("POST", "runtime/scripts", {"pattern": image, "pull": 1.5, "start": 2, "stop": 3})
        assert "detail" not in made, made
    scenario.create(image="web:1")
    _advance_until_it_ended(scenario)
    wait_until(lambda: front.get()[0] == 200)
    with scenario.requests:
        scenario.update(image="web:2")
        for _ in range(KILLS):
            for _ in range(chance.randrange(4)):
                _advance(server)
            _die_while_time_passes(scenario, chance.uniform(0.0, 0.15))
        _advance_until_it_ended(scenario)
    scenario.check("web:2")
    scenario.check_requests(scenario.revisions())
    scenario.check_end()


def _advance(server: RunningServer) -> None:
    server.admin("POST", "clock", {"advance": STEP})


def _advance_until_it_ended(scenario: Scenario) -> None:
    for _ in range(STEPS):
        if scenario.ended():
            return
        _advance(scenario.server)


def _die_while_time_passes(scenario: Scenario, seconds: float) -> None:
    """Kill the server so long after it was told to advance."""

    def advance() -> None:
        with suppress(OSError, ValueError):  # it dies on us
            _advance(scenario.server)

    asking = threading.Thread(target=advance)
    asking.start()
    asking.join(seconds)  # the moment is what is random here
    scenario.die(asking.join)
