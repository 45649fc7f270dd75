"""A service of many simulated tasks from CreateService to steady state: `python -m tests.benchmarks.service [TASKS HOSTS]`.

Then many services at once, none of which may starve, and what a server costs that has nothing to do.

No peer starts tasks, so the comparison is with ourselves: the time for each task against that of a tenth of the tasks on
a tenth of the hosts, in the same run (cost must grow with the work asked), and how long API calls wait meanwhile.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.api import DEFAULT_ACCOUNT, Client, processor_seconds
from tests.running import RunningServer

GROWTH_GOAL = 2.0
_IDLE = 5.0
"""Seconds."""


def main(tasks: int = 2000, hosts: int = 100) -> None:
    """Measure and print."""
    small, less, _ = measure(tasks // 10, hosts // 10)
    whole, used, waits = measure(tasks, hosts)
    cuts = statistics.quantiles(waits, n=100)
    _say(f"{tasks // 10:6} tasks on {hosts // 10:4} hosts: steady after {small:6.2f} s")
    _say(f"{tasks:6} tasks on {hosts:4} hosts: steady after {whole:6.2f} s, {tasks / whole:.0f} tasks/s")
    _say(f"processor: {used * 1000 / tasks:.2f} ms a task, {used / less / 10:.2f}x of what a tenth takes")
    _say(f"API meanwhile: p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms over {len(waits)} calls")
    _say(f"time for each task grows {whole / small / 10:.2f}x from a tenth (goal {GROWTH_GOAL}x)")
    crowd()


def crowd(services: int = 200, each: int = 5, giant: int = 1000, hosts: int = 100) -> None:
    """Many services at once, alone and beside a giant that wants all its tasks at the same time: how long each waits to be
    steady. Then the processor time of five idle seconds.
    """
    alone, idle = _crowd(services, each, 0, hosts)
    beside, _ = _crowd(services, each, giant, hosts)
    for title, waits in (("alone", alone), (f"beside one of {giant} tasks", beside)):
        cuts = statistics.quantiles(waits, n=100)
        _say(
            f"{services} services of {each} tasks {title}: each steady {statistics.median(waits):.2f} s after its creation,"
            f" p99 {cuts[98]:.2f} s, the slowest {max(waits):.2f} s"
        )
    _say(f"idle with {services * each} tasks: {idle * 100:.1f} % of a processor")


def _crowd(services: int, each: int, giant: int, hosts: int) -> tuple[list[float], float]:
    """Seconds from the creation of each service to its steady state, and the share of a processor when all have it."""
    with running() as server:
        _add_hosts(server, hosts)
        ecs = server.client("ecs")
        _define(ecs)
        if giant:
            ecs.create_service(serviceName="giant", taskDefinition="app", desiredCount=giant)
        created = {}
        for number in range(services):
            made = ecs.create_service(serviceName=f"app{number}", taskDefinition="app", desiredCount=each)
            created[made["service"]["serviceArn"]] = made["service"]["createdAt"]
        server.wait_until(lambda: created.keys() <= _steady_services(server).keys(), 300)
        steady = _steady_services(server)
        assert server.process is not None
        before = processor_seconds(server.process.pid)
        threading.Event().wait(_IDLE)
        used = processor_seconds(server.process.pid) - before
    return [(steady[arn] - at).total_seconds() for arn, at in created.items()], used / _IDLE


def _steady_services(server: RunningServer) -> dict[str, datetime]:
    """Service → when it was told to be steady."""
    entries = server.admin("GET", "journal?kind=event&limit=1000")["entries"]
    told = [entry for entry in entries if "steady state" in entry["detail"].get("message", "")]
    return {entry["subject"]: datetime.fromisoformat(entry["at"]) for entry in told}


@contextmanager
def running() -> Iterator[RunningServer]:
    """A server on the simulated runtime."""
    with tempfile.TemporaryDirectory(prefix="ashore-bench-") as folder:
        server = RunningServer(Path(folder) / "state", alone=True, runtime="simulated")
        try:
            yield server
        finally:
            server.stop()


def _add_hosts(server: RunningServer, count: int) -> None:
    server.admin("POST", "hosts", {"type": "m5.2xlarge", "count": count, "zones": [f"us-east-1{z}" for z in "abc"]})


def _define(ecs: Any) -> None:
    container = {"name": "app", "image": "app:1", "cpu": 128, "memory": 256}
    ecs.register_task_definition(family="app", containerDefinitions=[container])


def measure(tasks: int, hosts: int) -> tuple[float, float, list[float]]:
    """Seconds from CreateService to the steady-state event, of clock and of processor, and how long calls took meanwhile."""
    with running() as server:
        return _measure(server, tasks, hosts)


def _measure(server: RunningServer, tasks: int, hosts: int) -> tuple[float, float, list[float]]:
    _add_hosts(server, hosts)
    ecs = server.client("ecs")
    _define(ecs)
    client = Client(server.port, DEFAULT_ACCOUNT)
    ended = threading.Event()
    asking = threading.Thread(target=_ask, args=(client, ended))
    asking.start()
    assert server.process is not None
    before = processor_seconds(server.process.pid)
    began = time.perf_counter()
    ecs.create_service(serviceName="app", taskDefinition="app", desiredCount=tasks)
    try:
        server.wait_until(lambda: _steady(ecs), 300)
        took = time.perf_counter() - began
        used = processor_seconds(server.process.pid) - before
    finally:
        ended.set()
        asking.join()
    assert ecs.describe_services(services=["app"])["services"][0]["runningCount"] == tasks
    return took, used, client.seconds


def _ask(client: Client, ended: threading.Event) -> None:
    while not ended.wait(0.01):
        client.call("ListTasks", {"cluster": "default"})
    client.close()


def _steady(ecs: Any) -> bool:
    (service,) = ecs.describe_services(services=["app"])["services"]
    return any("steady state" in event["message"] for event in service["events"])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
