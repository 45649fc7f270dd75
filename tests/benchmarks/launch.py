"""RunTask until RUNNING against plain `docker run -d`, one container each, in turns: `python -m tests.benchmarks.launch [ROUNDS]`.

Both are asked over a connection that is kept, as programs do: RunTask by HTTP until the journal tells of RUNNING, the
engine by its own API (create, start, and a look whether it runs). Starting the docker command as well would flatter us.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import docker

from tests.benchmarks.api import DEFAULT_ACCOUNT, Client
from tests.emulator.runtime import images
from tests.running import RunningServer

GOAL = 1.25
IMAGE = "ashore-bench:launch"
COMMAND = ["sleep", "600"]


def main(rounds: int = 20) -> None:
    """Measure and print."""
    images.make(IMAGE)
    try:
        with tempfile.TemporaryDirectory(prefix="ashore-bench-") as folder:
            server = RunningServer(Path(folder) / "state", alone=True, runtime="docker", preset="demo")
            try:
                _compare(server, rounds)
            finally:
                server.stop()
    finally:
        images.remove(IMAGE)


def _compare(server: RunningServer, rounds: int) -> None:
    container = {"name": "app", "image": IMAGE, "memory": 16, "command": COMMAND, "stopTimeout": 2}
    client = Client(server.port, DEFAULT_ACCOUNT)
    client.call("RegisterTaskDefinition", {"family": "app", "containerDefinitions": [container]})
    engine: Any = docker.from_env()
    ours, bare, command = [], [], []
    for _ in range(rounds):
        ours.append(_by_task(server, client))
        bare.append(_by_engine(engine))
        command.append(_by_command())
    client.close()
    engine.close()
    for title, times in (("ashore", ours), ("engine API", bare), ("docker run -d", command)):
        _say(f"{title:14} median {statistics.median(times) * 1000:6.0f} ms  worst {max(times) * 1000:6.0f} ms")
    middle = statistics.median(ours)
    _say(f"RunTask to RUNNING takes {middle / statistics.median(command):.2f}x of docker run -d (goal {GOAL}x)")
    _say(f"                         {middle / statistics.median(bare):.2f}x of the bare engine API")


def _by_task(server: RunningServer, client: Client) -> float:
    """Seconds until the journal tells that the task is RUNNING."""
    newest = server.admin("GET", "journal?limit=1")["entries"]
    seen = newest[0]["seq"] if newest else 0
    began = time.perf_counter()
    arn = client.call("RunTask", {"taskDefinition": "app", "cluster": "default"})["tasks"][0]["taskArn"]
    while True:
        entries = server.admin("GET", f"journal?after={seen}&subject={arn}&kind=state_change&wait=30")["entries"]
        if any(entry["detail"].get("lastStatus") == "RUNNING" for entry in entries):
            took = time.perf_counter() - began
            client.call("StopTask", {"task": arn, "cluster": "default"})
            return took
        seen = entries[-1]["seq"]


def _by_engine(engine: Any) -> float:
    began = time.perf_counter()
    container = engine.containers.create(IMAGE, COMMAND, mem_limit="16m")
    container.start()
    container.reload()
    took = time.perf_counter() - began
    container.remove(force=True)
    return took


def _by_command() -> float:
    began = time.perf_counter()
    run = ["docker", "run", "-d", "--memory", "16m", IMAGE, *COMMAND]
    made = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    took = time.perf_counter() - began
    subprocess.run(["docker", "rm", "-f", made], capture_output=True, check=True)
    return took


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
