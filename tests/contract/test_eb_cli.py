"""The real EB CLI against a server on the simulated runtime: see `tests/eb_story.py`."""

from pathlib import Path

import pytest

from tests.eb_story import Stage, play
from tests.running import RunningServer


@pytest.mark.timeout(400)
def test_the_eb_cli_finishes_every_command(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "state", runtime="simulated", clock="x60")
    try:
        play(Stage(server, tmp_path, "busybox"))
    finally:
        server.stop()
