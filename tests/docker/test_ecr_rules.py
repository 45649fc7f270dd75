"""What ECR does with images that docker itself built and pushed: scans them on push, pulls them through."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.ecr.scanning.images import FILES, feed
from tests.running import RunningServer, free_port

PROGRAM = shutil.which("docker-registry")
pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "state", runtime="simulated", vulnerability_feed=str(feed(tmp_path)))
    yield running
    running.stop()


@pytest.fixture
def image(tmp_path: Path, server: RunningServer) -> Iterator[str]:
    """A Debian of two packages, in the engine."""
    folder = tmp_path / "image"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY etc /etc\nCOPY var /var\n", encoding="utf-8")
    name = f"debian-of-{server.port}"
    server.run("docker", "build", "-q", "-t", name, str(folder))
    yield name
    server.run("docker", "rmi", "-f", name)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def login(server: RunningServer) -> None:
    password = server.run("aws", "ecr", "get-login-password")
    server.run("docker", "login", "-u", "AWS", "--password-stdin", f"localhost:{server.port}", stdin=password)


def test_a_pushed_image_is_scanned(server: RunningServer, image: str) -> None:
    ecr = server.client("ecr")
    ecr.create_repository(repositoryName="app", imageScanningConfiguration={"scanOnPush": True})
    login(server)
    target = f"localhost:{server.port}/app:v1"
    server.run("docker", "tag", image, target)
    try:
        server.run("docker", "push", "-q", target)
        asked = {"repositoryName": "app", "imageId": {"imageTag": "v1"}}
        server.wait_until(lambda: ecr.describe_image_scan_findings(**asked)["imageScanStatus"]["status"] == "COMPLETE")
        (finding,) = ecr.describe_image_scan_findings(**asked)["imageScanFindings"]["findings"]
        assert finding["name"] == "CVE-2024-0001"
    finally:
        server.run("docker", "rmi", "-f", target)


@pytest.mark.skipif(PROGRAM is None, reason="Debian's docker-registry is not installed")
def test_docker_pulls_through(tmp_path: Path, server: RunningServer, image: str) -> None:
    port = free_port()
    config = tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/upstream\n"
        f"http:\n  addr: 127.0.0.1:{port}\nlog:\n  level: error\n",
        encoding="utf-8",
    )
    server.client("ecr").create_pull_through_cache_rule(
        ecrRepositoryPrefix="mirror", upstreamRegistryUrl=f"localhost:{port}"
    )
    login(server)
    source, cached = f"localhost:{port}/team/app:1", f"localhost:{server.port}/mirror/team/app:1"
    with subprocess.Popen([str(PROGRAM), "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            server.wait_until(lambda: listens(port))
            server.run("docker", "tag", image, source)
            server.run("docker", "push", "-q", source)
            server.run("docker", "pull", "-q", cached)
            identities = [server.run("docker", "image", "inspect", "-f", "{{.Id}}", name) for name in (source, cached)]
            assert identities[0] == identities[1]
            server.run("docker", "rmi", "-f", cached)
        finally:
            process.terminate()
    try:
        server.run("docker", "pull", "-q", cached)  # the upstream has gone: the cache has all of it
    finally:
        server.run("docker", "rmi", "-f", source, cached)
