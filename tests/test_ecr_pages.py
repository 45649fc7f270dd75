"""Every command of the pages on ECR runs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import Page
from tests.running import RunningServer

ECR, RULES = Page("docs/ecr.md"), Page("docs/ecr-rules.md")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("pages") / "state", runtime="simulated")
    yield running
    running.stop()


@pytest.fixture
def server(started: RunningServer) -> RunningServer:
    """Without resources."""
    started.admin("POST", "reset")
    return started


def test_the_commands_of_the_first_page_work_without_an_engine(server: RunningServer) -> None:
    told = ECR.plain.run(server)
    assert f"docker push localhost:{server.port}/shop/cart:latest" in told
    assert "✓ 0 layers verified" in told
    assert "✓ freed 0 B" in told


def test_the_commands_of_the_page_on_rules_work(server: RunningServer) -> None:
    told = RULES.all.run(server)
    assert '"expiringImageTotalCount": 0' in told
    assert '"scanFrequency": "SCAN_ON_PUSH"' in told
    assert '"ecrRepositoryPrefix": "mirror"' in told


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_the_commands_that_need_an_engine(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY busybox /busybox\nCMD ["/busybox","true"]\n')
    shutil.copy("/bin/busybox", tmp_path / "busybox")
    try:
        server.run("docker", "build", "-q", "-t", "hello", str(tmp_path))
        told = ECR.all.run(server)
    finally:
        server.run("docker", "rmi", "-f", "hello", f"localhost:{server.port}/shop/cart:v1")
    assert "tags     v1" in told
    assert '"copied"' in told
    assert "✓ 3 layers verified" in told  # skopeo compresses the layer its own way
