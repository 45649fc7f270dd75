"""The engine for tests that need one, and the stages of the conformance suite."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.emulator.runtime import images
from tests.emulator.runtime.stages import Stage, docker_stage, simulated_stage

NewStage = Callable[[], AbstractAsyncContextManager[Stage]]


@pytest.fixture(scope="session")
def busybox(engine: None) -> Iterator[str]:
    """The name of the test image; each worker has its own, because the first to end removes it."""
    del engine
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    name = f"ashore-test/busybox:1{f'-{worker}' if worker else ''}"
    images.make(name)
    yield name
    images.remove(name)


@pytest.fixture(params=["simulated", pytest.param("docker", marks=pytest.mark.docker)])
def new_stage(request: pytest.FixtureRequest) -> NewStage:
    """Makes a stage on each runtime."""
    if request.param == "simulated":
        return simulated_stage
    image: str = request.getfixturevalue("busybox")
    return lambda: docker_stage(image)
