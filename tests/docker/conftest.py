"""The image and the server of tests on a real engine."""

import os
from collections.abc import Iterator

import pytest

from tests.docker.engine_stage import Tasks
from tests.emulator.runtime import images
from tests.running import RunningServer


@pytest.fixture(scope="module")
def busybox(engine: None) -> Iterator[str]:
    """The name of an image that is on the engine and in no registry; each worker has its own, as the first to end removes it."""
    del engine
    name = f"ashore-test/contract:{os.environ.get('PYTEST_XDIST_WORKER', '1')}"
    images.make(name)
    yield name
    images.remove(name)


@pytest.fixture(scope="module")
def engine_server(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on the engine with the demo's hosts, for the tests of one module."""
    del engine
    running = RunningServer(tmp_path_factory.mktemp("engine") / "state", runtime="docker", preset="demo")
    yield running
    running.stop()


@pytest.fixture
def tasks(engine_server: RunningServer, busybox: str) -> Tasks:
    """Short ways to define and run tasks."""
    return Tasks(engine_server, busybox)
