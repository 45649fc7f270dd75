"""Every command of the README runs against a fresh server."""

import re
from pathlib import Path

import pytest

from tests.pages import Page
from tests.running import RunningServer

README = Page("README.md")
DOCKERFILE = 'FROM scratch\nCOPY busybox /busybox\nSTOPSIGNAL SIGKILL\nCMD ["/busybox","sleep","600"]\n'


def test_the_commands_work_without_an_engine(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "state", alone=True, runtime="simulated", preset="demo")
    try:
        told = README.plain.replaced("aws ecs wait", "timeout 60 aws ecs wait").run(server)
    finally:
        server.stop()
    assert "has reached a steady state." in told
    assert "was placed on" in told
    assert "✓ 2 hosts in cluster default" in told
    assert "✓ web is steady" in told
    assert "✓ RunTask" in told


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("engine")
def test_the_commands_that_need_an_engine(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (tmp_path / "busybox").chmod(0o755)
    server = RunningServer(tmp_path / "state", alone=True, runtime="docker", preset="demo")
    settings = [
        f"ASHORE_STATE_DIR={tmp_path / 'state'}",
        "ASHORE_RUNTIME=docker",
    ]  # what `ashore start` begins again with
    try:
        server.run("docker", "build", "-q", "-t", "hello", str(tmp_path))
        told = README.docker.run(server, "env", *settings)
    finally:
        server.run("bash", "-c", "ashore stop --grace 2 || test $? = 3")
        assert server.process is not None
        server.process.wait(30)  # killed by the README, or stopped just now
        server.run("docker", "rmi", "-f", "hello", f"localhost:{server.port}/hello:v1")
    assert "✓ hello is steady" in told
    assert "was placed on" in told
    assert re.search(r'"STOPPED",\s+"Essential container in task exited",\s+137', told)
    assert "✓ ready at " in told
    ready = told.index("✓ ready at ")
    assert re.search(r"^2$", told[ready:], re.MULTILINE), told[ready:]
    assert "✓ stopped" in told
