"""Fixtures of contract tests that several modules share."""

import pytest

from tests.contract.beanstalk import Shop
from tests.running import RunningServer


@pytest.fixture
def shop(server: RunningServer) -> Shop:
    """An application of Elastic Beanstalk on the module's `server`, which is emptied before."""
    server.admin("POST", "reset")
    found = Shop(server)
    found.begin()
    return found
