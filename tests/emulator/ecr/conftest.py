"""One server and one transaction a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.context import Context
from emulator.ecr.repositories import create_repository
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, REGION, ecr_emulator


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    server = ecr_emulator(tmp_path)
    yield server
    server.store.close()


@pytest.fixture
def context(emulator: Emulator) -> Iterator[Context]:
    """A transaction with the repository `team/app` in it."""
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "team/app"})
        yield context
