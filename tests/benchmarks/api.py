"""Calls per second against moto's server and ministack, in the same run: `python -m tests.benchmarks.api [SECONDS]`.

Eight clients keep their connections and take turns at RunTask, DescribeTasks, ListTasks and DescribeServices for so many
seconds. The tasks really start: ours on the simulated runtime, with the state in a folder that survives `kill -9`; the
peers keep theirs in memory. A peer that is not installed is left out, and that is said.
"""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from tests.running import RunningServer, free_port

CLIENTS = 8
HOSTS = 20
ACCOUNT, DEFAULT_ACCOUNT = "123456789012", "000000000000"
NEEDS_HOSTS = {"moto_server"}
"""ministack knows no hosts."""
GOALS = {"moto_server": 8.0, "ministack": 3.0}
_TARGET = "AmazonEC2ContainerServiceV20141113"


@dataclass(slots=True)
class Client:
    """One connection that is kept."""

    port: int
    account: str = ACCOUNT
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _connection: http.client.HTTPConnection | None = None

    def call(self, operation: str, request: dict[str, Any]) -> Any:
        """The answer; its time is kept."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{_TARGET}.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self.account}/20260101/us-east-1/ecs/aws4_request",
        }
        began = time.perf_counter()
        self._connection.request("POST", "/", json.dumps(request), headers)
        response = self._connection.getresponse()
        body = response.read()
        self.seconds.append(time.perf_counter() - began)
        if response.status != http.client.OK:
            self.errors.append(f"{operation}: {response.status} {body[:200]!r}")
        return json.loads(body)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one server."""

    name: str
    calls_per_second: float
    p50: float
    p99: float
    """Seconds."""
    processor: float
    """Seconds of processor time that the server took for a call: tells more than the clock on a busy machine."""
    errors: Sequence[str]


def prepare(client: Client, hosts: Sequence[str]) -> None:
    """A cluster with hosts, which are EC2 instances of the server, a task definition and a service."""
    client.call("CreateCluster", {"clusterName": "default"})
    for instance in hosts:
        document = {"instanceId": instance, "instanceType": "m5.large", "availabilityZone": "us-east-1a"}
        whose = {"region": "us-east-1", "accountId": ACCOUNT}
        client.call("RegisterContainerInstance", {"instanceIdentityDocument": json.dumps({**document, **whose})})
    containers = [{"name": "app", "image": "app:1", "cpu": 1, "memory": 8, "essential": True}]
    client.call("RegisterTaskDefinition", {"family": "app", "containerDefinitions": containers})
    client.call("CreateService", {"serviceName": "app", "taskDefinition": "app", "desiredCount": 2})


def instances(port: int) -> list[str]:
    """The ids of so many new EC2 instances."""
    ec2: Any = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="test",
    )
    answer = ec2.run_instances(ImageId="ami-12345678", InstanceType="m5.large", MinCount=HOSTS, MaxCount=HOSTS)
    return [instance["InstanceId"] for instance in answer["Instances"]]


def use(client: Client, until: float) -> None:
    """What one client does until that instant."""
    while time.perf_counter() < until:
        answer = client.call("RunTask", {"taskDefinition": "app"})
        if not answer.get("tasks"):
            client.errors.append(f"RunTask started nothing: {answer}")
            return
        client.call("DescribeTasks", {"tasks": [answer["tasks"][0]["taskArn"]]})
        client.call("ListTasks", {"maxResults": 100})
        client.call("DescribeServices", {"services": ["app"]})


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name: str, server: Serving, seconds: float, hosts: Sequence[str] = ()) -> Result:
    """Load one server with all clients for so long."""
    first = Client(server.port)
    prepare(first, hosts)
    if first.errors:
        return Result(name, 0, 0, 0, 0, first.errors)
    first.close()
    clients = [Client(server.port) for _ in range(CLIENTS)]
    began, before = time.perf_counter(), processor_seconds(server.pid)
    threads = [threading.Thread(target=_guarded(use), args=(client, began + seconds)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, used = time.perf_counter() - began, processor_seconds(server.pid) - before
    times = sorted(second for client in clients for second in client.seconds)
    for client in clients:
        client.close()
    errors = [error for client in clients for error in client.errors]
    cuts = statistics.quantiles(times, n=100)
    return Result(name, len(times) / took, cuts[49], cuts[98], used / len(times), errors)


def _guarded(function: Callable[[Client, float], None]) -> Callable[[Client, float], None]:
    def run(client: Client, until: float) -> None:
        try:
            function(client, until)
        except (OSError, http.client.HTTPException, ValueError) as error:
            client.errors.append(f"{type(error).__name__}: {error}")

    return run


@contextmanager
def ashore() -> Iterator[Serving]:
    """Our server, with a state folder, on the simulated runtime."""
    with tempfile.TemporaryDirectory(prefix="ashore-bench-") as folder:
        server = RunningServer(Path(folder), alone=True, runtime="simulated")
        try:
            assert server.process is not None
            yield Serving(server.port, server.process.pid)
        finally:
            server.stop()


@contextmanager
def peer(command: Sequence[str], port: int, **environment: str) -> Iterator[Serving]:
    """Another emulator, which is to find no container engine."""
    told = {**os.environ, "DOCKER_HOST": "unix:///nonexistent", **environment}
    with (
        tempfile.TemporaryDirectory(prefix="ashore-bench-") as folder,
        subprocess.Popen(
            command, cwd=folder, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process,
    ):
        try:
            _wait_for(port)
            yield Serving(port, process.pid)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        client = Client(port)
        with suppress(OSError, http.client.HTTPException, ValueError):
            client.call("ListClusters", {})
            client.close()
            return
        threading.Event().wait(0.1)
    raise TimeoutError(f"nothing answers on port {port}")


def _peers() -> Iterator[tuple[str, Callable[[], Any]]]:
    folder = Path(sys.executable).parent
    if (folder / "moto_server").exists():
        port = free_port()
        yield "moto_server", lambda: peer([str(folder / "moto_server"), "-p", str(port)], port)
    else:
        _say("moto_server is not installed (pip install 'moto[server]'), left out")
    ministack = os.environ.get("ASHORE_BENCH_MINISTACK") or shutil.which("ministack")
    if ministack:
        other = free_port()
        yield "ministack", lambda: peer([ministack], other, GATEWAY_PORT=str(other), EDGE_PORT=str(other))
    else:
        _say("ministack is not installed (its own environment, then ASHORE_BENCH_MINISTACK=…/bin/ministack), left out")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _tell(result: Result) -> None:
    _say(
        f"{result.name:12} {result.calls_per_second:7.0f} calls/s  p50 {result.p50 * 1000:6.1f} ms"
        f"  p99 {result.p99 * 1000:6.1f} ms  processor {result.processor * 1000:5.2f} ms a call  {len(result.errors)} errors"
    )
    for error in result.errors[:3]:
        _say(f"             {error}")


def main(seconds: float = 8) -> None:
    """Measure and print."""
    with ashore() as server:
        ours = measure("ashore", server, seconds, instances(server.port))
    _tell(ours)
    for name, start in _peers():
        with start() as server:
            theirs = measure(name, server, seconds, instances(server.port) if name in NEEDS_HOSTS else ())
        _tell(theirs)
        if theirs.calls_per_second:
            ratio = ours.calls_per_second / theirs.calls_per_second
            processor = theirs.processor / ours.processor
            _say(f"ashore is {ratio:.1f}x of {name} (goal {GOALS[name]:.0f}x), by processor time {processor:.1f}x")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
