"""Every command of the README runs against a fresh server."""

import re
from pathlib import Path

import pytest

from tests.running import REPOSITORY, RunningServer

BLOCKS = re.findall(r"^```bash( docker)?\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
PLAIN = "\n".join(text for docker, text in BLOCKS if not docker)
DOCKERFILE = 'FROM scratch\nCOPY busybox /busybox\nSTOPSIGNAL SIGKILL\nCMD ["/busybox","sleep","600"]\n'
DOCKER = "\n".join(text for docker, text in BLOCKS if docker)


def test_the_commands_work_without_an_engine(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "state", runtime="simulated", preset="demo")
    try:
        told = server.run("bash", "-euo", "pipefail", "-c", PLAIN.replace("aws ecs wait", "timeout 60 aws ecs wait"))
    finally:
        server.stop()
    assert "has reached a steady state." in told
    assert "was placed on" in told


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@pytest.mark.usefixtures("engine")
def test_the_commands_that_need_an_engine(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /busybox\nSTOPSIGNAL SIGKILL\nCMD ["/busybox","sleep","600"]\n'
    )
    (tmp_path / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (tmp_path / "busybox").chmod(0o755)
    server = RunningServer(tmp_path / "state", runtime="docker", preset="demo")
    try:
        server.run("docker", "build", "-q", "-t", "hello", str(tmp_path))
        told = server.run("bash", "-euo", "pipefail", "-c", DOCKER)
    finally:
        server.stop()
        server.run("docker", "rmi", "-f", "hello", f"localhost:{server.port}/hello:v1")
    assert '"lastStatus": "PENDING"' in told
