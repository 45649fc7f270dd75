"""The stock docker command against the registry, with nothing configured."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.registry_images import Docker
from tests.benchmarks.registry_server import RegistryProcess, registry_process

MIB = 1 << 20


def _has_engine() -> bool:
    if shutil.which("docker") is None or not Path("/bin/busybox").exists():
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not _has_engine(), reason="no container engine, or no static busybox"),
]


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    folder = tmp_path / "docker"
    folder.mkdir()
    return Docker(folder)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryProcess]:
    with registry_process(tmp_path / "state", ["team/app"]) as running:
        yield running


def test_login_build_push_remove_pull_run(docker: Docker, registry: RegistryProcess) -> None:
    assert registry.password
    docker.login(registry.address, registry.password)
    with docker.image(f"{registry.address}/team/app:v1", 64) as image:
        identity = docker.run("image", "inspect", "--format", "{{.Id}}", image)
        before = registry.memory()
        registry.forget_peak()
        docker.run("push", "--quiet", image)
        digest = docker.run("image", "inspect", "--format", "{{index .RepoDigests 0}}", image).strip()
        docker.remove(image)
        docker.remove(digest)
        docker.run("pull", "--quiet", image)
        growth = registry.peak_memory() - before
        assert docker.run("image", "inspect", "--format", "{{.Id}}", image) == identity
        assert docker.run("run", "--rm", image, "echo", "pulled") == "pulled\n"
        docker.remove(image)
        docker.remove(digest)
        docker.run("pull", "--quiet", digest)
        docker.remove(digest)
    assert growth < 24 * MIB, f"the server grew by {growth / MIB:.1f} MiB"


def test_docker_prints_ecrs_words(docker: Docker, registry: RegistryProcess) -> None:
    assert registry.password
    with pytest.raises(RuntimeError, match="401 Unauthorized"):
        docker.login(registry.address, "guess")
    with docker.image(f"{registry.address}/nobody:v1", 0) as image:
        with pytest.raises(RuntimeError, match="no basic auth credentials"):
            docker.run("push", image)
        docker.login(registry.address, registry.password)
        with pytest.raises(RuntimeError, match="name unknown: The repository with name 'nobody' does not exist"):
            docker.run("push", image)
