"""One server and one transaction a test."""

from collections.abc import Iterator

import pytest

from emulator.context import Context
from emulator.emulator import Emulator
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane


@pytest.fixture
def server() -> Iterator[Emulator]:
    server = control_plane()
    yield server
    server.store.close()


@pytest.fixture
def context(server: Emulator) -> Iterator[Context]:
    with server.transaction(ACCOUNT, REGION) as context:
        yield context
