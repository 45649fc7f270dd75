"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest

from emulator.runtime.docker import unreachable


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips without a container engine; fails instead where ASHORE_TESTS_NEED_ENGINE says that there must be one."""
    reason = unreachable()
    if reason is None and not Path("/bin/busybox").exists():
        reason = "no static /bin/busybox to build test images from"
    if reason is not None:
        if os.environ.get("ASHORE_TESTS_NEED_ENGINE"):
            pytest.fail(f"engine tests must run here: {reason}")
        pytest.skip(f"no container engine: {reason}")
