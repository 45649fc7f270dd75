"""Push and pull against Debian's docker-registry, side by side: `python -m tests.benchmarks.registry [MIB]`.

By bare HTTP, which shows the registries alone: one large layer, 500 small ones as docker moves them, 16 pulls at once.
Then a large image with the docker command, where the engine's compression takes most of the time (`--docker`).
Each figure is the best of some rounds in which the registries take turns.
"""

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.benchmarks import registry_loads as loads
from tests.benchmarks.registry_images import Docker
from tests.benchmarks.registry_server import RegistryProcess, registry_process

MIB = 1 << 20
ROUNDS, HTTP_ROUNDS = 2, 3
SMALL, PULLS = 500, 16
NAME = loads.NAME
T = TypeVar("T")


def main(mebibytes: int, *, docker: bool) -> None:
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
            _say(f"one layer: {mebibytes} MiB")
            _report("HTTP", _by_http(content, ours, peer))
            if docker:
                _report("docker", _by_docker(root / "docker", mebibytes, ours, peer))
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
            for which, name in _in_turn(names, number):
                docker.run("tag", image, name)
                best["push"][which] = min(best["push"][which], _seconds(partial(docker.run, "push", name)))
                docker.remove(name)
        for which, name in _in_turn(names, number):
            best["pull"][which] = min(best["pull"][which], _seconds(partial(docker.run, "pull", name)))
            docker.remove(name)
    return {title: (times[0], times[1]) for title, times in best.items()}


def _by_http(content: Path, ours: RegistryProcess, peer: RegistryProcess) -> Times:
    best: dict[str, list[float]] = {}
    for number in range(HTTP_ROUNDS):
        with content.open("r+b") as file:
            file.write(b"%d" % number)
        digest, layers = loads.digest_of_file(content), loads.small_layers(SMALL, 4096)
        for which, process in _in_turn((ours, peer), number):
            for title, action in (
                ("push of one layer", partial(loads.push_large, process, content, digest)),
                ("pull of one layer", partial(loads.pull, process, digest)),
                (f"{PULLS} pulls at once", partial(loads.pull_many, process, digest, PULLS)),
                (f"push of {SMALL} small layers", partial(loads.push_small, process, layers)),
                (f"pull of {SMALL} small layers", partial(loads.pull_small, process, layers)),
            ):
                times = best.setdefault(title, [1e9, 1e9])
                times[which] = min(times[which], _seconds(action))
    return {title: (times[0], times[1]) for title, times in best.items()}


def _in_turn(both: Sequence[T], number: int) -> list[tuple[int, T]]:
    """Ours and the peer's with their places; who is second finds caches warm, so every other round begins with the peer."""
    places = list(enumerate(both))
    return places[::-1] if number % 2 else places


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


def _report(means: str, times: Times) -> None:
    for title, (ours, peer) in times.items():
        _say(
            f"{title:25} by {means:6}  ashore {ours:7.3f} s   docker-registry {peer:7.3f} s   "
            f"{peer / ours:.2f}x its speed"
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if argument.isdigit()]
    main(int(numbers[0]) if numbers else 1024, docker="--docker" in sys.argv)
