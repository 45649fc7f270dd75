"""The real EB CLI against a server with an engine: see `tests/eb_story.py`."""

from pathlib import Path

import pytest

from tests.eb_story import Stage, play
from tests.running import RunningServer

pytestmark = [pytest.mark.docker]


@pytest.mark.timeout(600)
def test_the_eb_cli_finishes_every_command_on_the_engine(tmp_path: Path, busybox: str) -> None:
    server = RunningServer(tmp_path / "state", runtime="docker", clock="x20")
    try:
        play(Stage(server, tmp_path, busybox))
    finally:
        server.stop()
