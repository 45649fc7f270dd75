"""Starts real servers as processes of their own, for tests that talk to them as users do."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

REPOSITORY = Path(__file__).parent.parent
START_SECONDS = 60


class RunningServer:
    """A server process; `kill` is `kill -9`, after which `start` carries on from the same state."""

    def __init__(self, state_dir: Path, **settings: str) -> None:
        self.port = free_port()
        self._state_dir, self._settings = state_dir, settings
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """The endpoint URL."""
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What points AWS clients here, and nowhere else."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ASHORE_"))},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
            "AWS_CONFIG_FILE": str(self._state_dir / "no-config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "DOCKER_CONFIG": str(self._state_dir / "docker-config"),
            "ASHORE_PORT": str(self.port),
        }

    def start(self) -> None:
        """Start and wait until the server answers."""
        told = {
            "ASHORE_PORT": str(self.port),
            "ASHORE_STATE_DIR": str(self._state_dir),
            **{f"ASHORE_{name.upper()}": value for name, value in self._settings.items()},
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ASHORE_")}
        log = (self._state_dir.parent / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-m", "api"], env={**clean, **told}, stdout=log, stderr=log, cwd=REPOSITORY
            )
        wait_until(self._answers, START_SECONDS)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self._state_dir.parent / "server.log").read_text()[-3000:]
        try:
            return bool(self.admin("GET", "health")["status"] == "ready")
        except OSError:
            return False

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """A call of the administrative API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, f"/_ashore/{path}", None if body is None else json.dumps(body), _HEADERS)
        document = json.loads(connection.getresponse().read())
        connection.close()
        return document

    def client(self, service: str, account: str = "test", region: str = "us-east-1") -> Any:
        """A boto3 client."""
        make: Callable[..., Any] = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="test",
        )

    def run(self, *command: str, stdin: str | None = None) -> str:
        """What a command prints; a failing one fails the test with all it said."""
        done = subprocess.run(
            command, env=self.environment, input=stdin, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop the server and everything that it runs."""
        assert self.process is not None
        if self.process.poll() is None:
            self.admin("POST", "shutdown", {"keep": False})
            self.process.wait(90)


_HEADERS = {"X-Ashore": "1", "Content-Type": "application/json"}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Ask again and again, each time after a server had time to do something; fails after `seconds`."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.05)
