"""Push and pull of a large image against Debian's docker-registry, side by side: `python -m tests.benchmarks.registry [MIB]`.

First with the docker command, where the engine's compression takes most of the time, then the same bytes by bare HTTP,
which shows the registries alone. Each figure is the best of two rounds in which the registries take turns.
"""

import base64
import hashlib
import http.client
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.registry_images import Docker
from tests.benchmarks.registry_server import RegistryProcess, registry_process

MIB = 1 << 20
ROUNDS = 2
NAME = "bench/app"


def main(mebibytes: int) -> None:
    """Measure and print."""
    if shutil.which("docker-registry") is None:
        sys.exit("needs Debian's docker-registry (apt-get install docker-registry)")
    with tempfile.TemporaryDirectory(prefix="ashore-bench-") as folder:
        root = Path(folder)
        content = root / "layer"
        _write_random(content, mebibytes)
        with registry_process(root / "ours", [NAME]) as ours, _peer(root / "peer") as peer:
            memory = {process: process.memory() for process in (ours, peer)}
            for process in memory:
                process.forget_peak()
            _report("docker", _by_docker(root / "docker", mebibytes, ours, peer), mebibytes)
            _report("HTTP", _by_http(content, ours, peer), mebibytes)
            for title, process in (("ashore", ours), ("docker-registry", peer)):
                grown = (process.peak_memory() - memory[process]) / MIB
                _say(f"{title:15} resident {memory[process] / MIB:.1f} MiB at rest, grew by {grown:.1f} MiB at most")


Times = dict[str, tuple[float, float]]
"""What was done → the best seconds of ours and of the peer."""


def _by_docker(folder: Path, mebibytes: int, ours: RegistryProcess, peer: RegistryProcess) -> Times:
    folder.mkdir()
    docker = Docker(folder)
    docker.login(ours.address, ours.password or "")
    best: dict[str, list[float]] = {"push": [1e9, 1e9], "pull": [1e9, 1e9]}
    for number in range(ROUNDS):
        tag = f"round{number}"
        names = [f"{process.address}/{NAME}:{tag}" for process in (ours, peer)]
        with docker.image(f"ashore-bench:{tag}", mebibytes) as image:
            for which, name in enumerate(names):
                docker.run("tag", image, name)
                best["push"][which] = min(best["push"][which], _seconds(partial(docker.run, "push", name)))
                docker.remove(name)
        for which, name in enumerate(names):
            best["pull"][which] = min(best["pull"][which], _seconds(partial(docker.run, "pull", name)))
            docker.remove(name)
    return {title: (times[0], times[1]) for title, times in best.items()}


def _by_http(content: Path, ours: RegistryProcess, peer: RegistryProcess) -> Times:
    best: dict[str, list[float]] = {"push": [1e9, 1e9], "pull": [1e9, 1e9]}
    for number in range(ROUNDS):
        with content.open("r+b") as file:
            file.write(b"%d" % number)
        digest = _digest(content)
        for which, process in enumerate((ours, peer)):
            push, pull = best["push"], best["pull"]
            push[which] = min(push[which], _seconds(partial(_http_push, process, content, digest)))
            pull[which] = min(pull[which], _seconds(partial(_http_pull, process, digest)))
    return {title: (times[0], times[1]) for title, times in best.items()}


def _http_push(process: RegistryProcess, content: Path, digest: str) -> None:
    """As docker does it: one PATCH in chunks, then an empty PUT."""
    response = _send(process, "POST", f"/v2/{NAME}/blobs/uploads/", None)
    response = _send(process, "PATCH", response.headers["Location"], _pieces(content))
    location = response.headers["Location"]
    _send(process, "PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", None)


def _http_pull(process: RegistryProcess, digest: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", process.port)
    connection.request("GET", f"/v2/{NAME}/blobs/{digest}", headers=_headers(process))
    response = connection.getresponse()
    buffer = bytearray(MIB)
    while response.readinto(buffer):
        pass
    connection.close()


def _send(
    process: RegistryProcess, method: str, location: str, body: Iterator[bytes] | None
) -> http.client.HTTPResponse:
    parts = urlsplit(location)
    connection = http.client.HTTPConnection("127.0.0.1", process.port)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = _headers(process) | ({} if body else {"Content-Length": "0"})
    connection.request(method, path, body, headers, encode_chunked=False)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status not in {201, 202}:
        raise RuntimeError(f"{method} {location}: {response.status} {text!r}")
    return response


def _headers(process: RegistryProcess) -> dict[str, str]:
    if process.password is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"AWS:{process.password}".encode()).decode()}


def _pieces(content: Path) -> Iterator[bytes]:
    with content.open("rb") as file:
        while piece := file.read(MIB):
            yield piece


def _digest(content: Path) -> str:
    with content.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _write_random(path: Path, mebibytes: int) -> None:
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(secrets.token_bytes(MIB))


@contextmanager
def _peer(folder: Path) -> Iterator[RegistryProcess]:
    """Debian's registry on a free port, with its default file storage."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    folder.mkdir()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
        encoding="utf-8",
    )
    command = ["docker-registry", "serve", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield RegistryProcess(process.pid, port, None)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise TimeoutError("docker-registry does not start")


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _report(means: str, times: Times, mebibytes: int) -> None:
    for title, (ours, peer) in times.items():
        _say(
            f"{title} of {mebibytes} MiB by {means:6}  ashore {ours:6.2f} s ({mebibytes / ours:5.0f} MiB/s)   "
            f"docker-registry {peer:6.2f} s ({mebibytes / peer:5.0f} MiB/s)   {peer / ours:.2f}x its speed"
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
