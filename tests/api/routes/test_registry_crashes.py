"""A crash at any write leaves a registry that verifies and goes on; a full disk is told and loses nothing."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.ecr.blobs import digest_of
from tests.api.routes.registry_servers import Answer, ask
from tests.benchmarks.registry_server import RegistryProcess, registry_process
from tests.server_process import REPOSITORY

MIB = 1 << 20


def test_a_kill_at_any_step(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.emulator.ecr.crashing", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 50


class Client:
    """Talks to a registry process."""

    def __init__(self, registry: RegistryProcess) -> None:
        self._registry = registry

    def __call__(self, method: str, path: str, body: bytes | Iterator[bytes] | None = None) -> Answer:
        assert self._registry.password
        return ask(self._registry.port, self._registry.password, method, path, body)

    def push(self, content: bytes) -> Answer:
        return self("POST", f"/v2/app/blobs/uploads/?digest={digest_of(content)}", content)


@contextmanager
def small_files(registry: RegistryProcess) -> Iterator[None]:
    """No file may grow beyond 2 MiB meanwhile."""
    before = resource.prlimit(registry.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(registry.pid, resource.RLIMIT_FSIZE, (2 * MIB, before[1]))
    try:
        yield
    finally:
        resource.prlimit(registry.pid, resource.RLIMIT_FSIZE, before)


def test_a_refused_write_is_told_and_the_upload_resumed(tmp_path: Path) -> None:
    content = bytes(range(256)) * (4 * MIB // 256)
    with registry_process(tmp_path / "state", ["app"]) as registry:
        client = Client(registry)
        assert client.push(b"before").status == 201
        location = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
        with small_files(registry):
            answer = client("PATCH", location, (content[at : at + MIB] for at in range(0, len(content), MIB)))
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert answer.message == "no space is left on the registry's disk"
            status = client("GET", location)
            arrived = int(status.headers["Range"].partition("-")[2]) + 1
            assert 0 < arrived <= 2 * MIB
            assert client("GET", f"/v2/app/blobs/{digest_of(b'before')}").body == b"before"
        assert client("PATCH", location, content[arrived:]).status == 202
        assert client("PUT", f"{location}?digest={digest_of(content)}").status == 201
        assert client("GET", f"/v2/app/blobs/{digest_of(content)}").body == content


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a file system of its own can be mounted by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk"), registry_process(tmp_path / "disk" / "state", ["app"]) as registry:
        client = Client(registry)
        ballast = tmp_path / "disk" / "ballast"
        ballast.write_bytes(bytes(MIB))
        assert client.push(b"before").status == 201
        statuses = [client.push(bytes([number]) * MIB).status for number in range(6)]
        assert statuses[0] == 201
        assert statuses[-1] == 503
        filler = tmp_path / "disk" / "filler"
        _fill(filler)
        for _ in range(3):
            assert client("POST", "/v2/app/blobs/uploads/").status in {202, 503}
        assert client("GET", f"/v2/app/blobs/{digest_of(b'before')}").body == b"before"
        filler.unlink()
        ballast.unlink()
        assert client.push(b"after").status == 201
        for number, status in enumerate(statuses):
            found = client("HEAD", f"/v2/app/blobs/{digest_of(bytes([number]) * MIB)}").status
            assert found == (200 if status == 201 else 404)


def _fill(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017 - it is how a disk says that it is full
    finally:
        os.close(descriptor)
