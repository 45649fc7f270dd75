"""Every command of the page on Elastic Beanstalk runs: the first section on an engine, the others on the simulated runtime."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.runtime import images
from tests.pages import Commands, Page
from tests.running import RunningServer

pytestmark = pytest.mark.timeout(180)

SECTIONS = Page("docs/beanstalk.md").sections


@pytest.fixture
def busybox(engine: None) -> Iterator[None]:
    """`busybox:stable`, which cannot be pulled here."""
    del engine
    images.make("busybox:stable")
    yield
    images.remove("busybox:stable")


def at(server: RunningServer, section: str) -> Commands:
    return SECTIONS[section].replaced(":4566", f":{server.port}")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Its sections do not meet."""
    server = RunningServer(tmp_path_factory.mktemp("page") / "state", runtime="simulated", clock="paused")
    yield server
    server.stop()


def test_all_sections_with_commands_are_tried() -> None:
    assert SECTIONS.keys() == {"A Dockerrun.aws.json application", "Traffic splitting", "Workers"}


def test_traffic_splitting(simulated: RunningServer) -> None:
    printed = at(simulated, "Traffic splitting").run(simulated)
    assert '[\n    "Ready",\n    "v1"\n]\n' in printed
    assert "\n6\n" in printed
    assert printed.endswith('[\n    "Ready",\n    "v2"\n]\n')


def test_workers(simulated: RunningServer) -> None:
    printed = SECTIONS["Workers"].run(simulated)
    assert printed.count(" path=/work ") == 1
    assert printed.count(" path=/cleanup ") >= 2
    assert "messages in Dead Letter Queue" in printed


@pytest.mark.docker
@pytest.mark.usefixtures("busybox")
def test_a_dockerrun_application(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "state", runtime="docker")
    try:
        printed = at(server, "A Dockerrun.aws.json application").run(server)
    finally:
        server.stop()
    assert '"Successfully launched environment: webapp"' in printed
    assert "version 1\n" in printed
