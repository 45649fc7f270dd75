"""Why there is no engine, in the words and under the ids that `ashore doctor` explains."""

import os
import socket
from pathlib import Path

import pytest

from emulator.runtime.docker_endpoint import Engine, NoEngine, detect, unreachable


def test_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    assert detect() == NoEngine("ASH-D001", f"Docker not reachable (`{path}`: no such file).")
    assert unreachable() == f"Docker not reachable (`{path}`: no such file)."


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    assert detect() == NoEngine("ASH-D001", f"Docker not reachable (`{path}`: connection refused).")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every socket")
def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        bound.listen()
        path.chmod(0)
        assert detect() == NoEngine("ASH-D002", f"Permission denied on the Docker socket (`{path}`).")


@pytest.mark.docker
@pytest.mark.usefixtures("busybox")
def test_an_engine_that_answers() -> None:
    found = detect()
    assert isinstance(found, Engine)
    assert found.version
    assert tuple(map(int, found.api_version.split("."))) >= (1, 41)
    assert unreachable() is None
