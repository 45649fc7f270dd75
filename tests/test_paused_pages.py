"""Every command of the pages on deployments and capacity runs, each section on a server without resources."""

from collections.abc import Iterator

import pytest

from tests.pages import Page
from tests.running import RunningServer, free_port

pytestmark = pytest.mark.timeout(180)

PAGES = {name: Page(f"docs/{name}.md").sections for name in ("capacity", "deployments", "express")}
TOLD = {
    "capacity": {
        "Strategies": ['"FARGATE",\n    "FARGATE",\n    "FARGATE",\n    "FARGATE_SPOT",'],
        "Spot interruptions": ['"SpotInterruption",\n    "Your Spot Task was interrupted."', "[\n    2,\n    2\n]"],
        "Auto Scaling groups": ["[\n    6,\n    0\n]", "x0\n3\n6\n{", "x0\n0\n"],
        "Scaling a service": ["\n4\n", "Setting desired count to 4.", "in state ALARM triggered policy cpu", "\n1\n"],
        "Schedules": ["scheduled action name rush was triggered", "minimum capacity was set to 4", "\n4\n"],
    },
    "express": {
        "An Express service": [
            "simulated: no container answered this.",
            '"ECS",\n    "CANARY"',
            "[\n    1,\n    20\n]",
        ],
        "Updates and the end": ["default-shop:2", "\n2\n", '"SUCCESSFUL"\n"DRAINING"', '"INACTIVE"\n0'],
        "A gateway": ["simulated: no container answered this."],
    },
    "deployments": {
        "Rolling update": ["2 of the new tasks run for less than 40 s", "has reached a steady state."],
        "Circuit breaker": ["ROLLBACK_SUCCESSFUL", "because the circuit breaker threshold was exceeded."],
        "Alarms": ["ROLLBACK_SUCCESSFUL"],
        "Blue/green": ["in the stage BAKE_TIME: it waits for the bake time to pass.", "ROLLBACK_SUCCESSFUL"],
        "Linear": ["step 3 of 4: it waits for the step of 75 % to bake.", '"SUCCESSFUL"'],
        "Canary, and a pause": ["(pause) is AWAITING_ACTION", '"SUCCESSFUL"'],
        "Behind a load balancer": ["step 1 of 2: it waits for the step of 10 % to bake.", "    10", '"SUCCESSFUL"'],
        "CodeDeploy": [
            "in AllowTraffic: it waits for the step of 10 % to bake.",
            "    10",
            "AfterAllowTraffic\tSucceeded",
        ],
        "Daemons": ["    7,\n    7"],
        "Task sets": ["STEADY_STATE"],
        "Tasks that must not be stopped": ["1 task is protected, the last for"],
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(
        tmp_path_factory.mktemp("pages") / "state", runtime="simulated", preset="demo", clock="paused"
    )
    yield running
    running.stop()


def test_every_section_with_commands_is_tried() -> None:
    assert {page: set(sections) for page, sections in PAGES.items()} == {page: set(told) for page, told in TOLD.items()}


@pytest.mark.parametrize(("page", "section"), [(page, section) for page, told in TOLD.items() for section in told])
def test_the_commands_do_what_the_page_says(server: RunningServer, page: str, section: str) -> None:
    server.admin("POST", "reset")
    server.admin("DELETE", "runtime/scripts")
    commands = PAGES[page][section]
    if "--port 8085" in commands.text:
        commands = commands.replaced("--port 8085", f"--port {free_port()}")
    printed = commands.run(server)
    for text in TOLD[page][section]:
        assert text in printed
