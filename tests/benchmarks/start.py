"""From the command to the first answer, and memory at rest, against moto's server: `python -m tests.benchmarks.start [ROUNDS]`.

Ours starts on a state folder that is new, and again on one that has been used; moto's server keeps nothing. Each figure is
the best of some rounds in which the servers take turns.
"""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.api import processor_seconds
from tests.running import free_port

SECONDS_GOAL, MIB_GOAL = 1.0, 120
_GIVE_UP = 60


@dataclass(frozen=True, slots=True)
class Start:
    """One start."""

    seconds: float
    processor: float
    """Seconds of processor time up to the first answer."""
    mebibytes: float
    """Resident once it has answered."""


def main(rounds: int = 5) -> None:
    """Measure and print."""
    starts: dict[str, list[Start]] = {"ashore, new": [], "ashore, again": [], "moto_server": []}
    with tempfile.TemporaryDirectory(prefix="ashore-bench-") as folder:
        for number in range(rounds):
            state = Path(folder) / str(number)
            starts["ashore, new"].append(_ashore(state))
            starts["ashore, again"].append(_ashore(state))
            starts["moto_server"].append(_moto())
    for title, found in starts.items():
        _say(
            f"{title:14} first answer after {min(start.seconds for start in found):5.2f} s"
            f" (processor {min(start.processor for start in found):5.2f} s),"
            f" resident {min(start.mebibytes for start in found):5.0f} MiB"
        )
    ours, theirs = (min(start.processor for start in starts[name]) for name in ("ashore, again", "moto_server"))
    _say(f"moto_server needs {theirs / ours:.1f}x of our processor time; goals {SECONDS_GOAL} s and {MIB_GOAL} MiB")


def _ashore(state: Path) -> Start:
    port = free_port()
    told = {"ASHORE_PORT": str(port), "ASHORE_STATE_DIR": str(state), "ASHORE_RUNTIME": "simulated"}
    return _start([sys.executable, "-I", "-m", "api"], told, port, "/_ashore/health")


def _moto() -> Start:
    port = free_port()
    return _start([str(Path(sys.executable).parent / "moto_server"), "-p", str(port)], {}, port, "/moto-api/data.json")


def _start(command: Sequence[str], told: Mapping[str, str], port: int, path: str) -> Start:
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env={**os.environ, **told}, stdout=quiet, stderr=quiet) as process:
        try:
            _wait(port, path, began + _GIVE_UP)
            return Start(time.perf_counter() - began, processor_seconds(process.pid), _resident(process.pid))
        finally:
            process.terminate()


def _wait(port: int, path: str, until: float) -> None:
    while time.perf_counter() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            return
        connection.close()
        os.sched_yield()
    raise TimeoutError(f"nothing answers on port {port}")


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
