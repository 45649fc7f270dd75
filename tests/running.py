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
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3

from tests import forked_commands
from tests.server_process import ServerProcess, fork_server, start_server

_HAPPENINGS = "kind=state_change&kind=event&kind=fault&kind=decision"
"""All entries but those of calls: who waits makes calls himself."""
_LOOK_ANYWAY = 5
"""Seconds after which what the journal does not tell of is looked at again."""


class RunningServer:
    """A server process; `kill` is `kill -9`, after which `start` carries on from the same state.

    Args:
        state_dir: where it keeps its state.
        alone: in an interpreter of its own, as users start it, and the commands, too; measured that way.
        settings: its settings, by their names.

    """

    def __init__(self, state_dir: Path, *, alone: bool = False, **settings: str) -> None:
        self.port = free_port()
        self._state_dir, self._alone, self._settings = state_dir, alone, settings
        self.process: ServerProcess | None = None
        self.start()

    @property
    def url(self) -> str:
        """The endpoint URL."""
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What points AWS clients here, and nowhere else; the commands are forked where the server is."""
        forked = [] if self._alone else [str(forked_commands.folder())]
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ASHORE_"))},
            "PATH": ":".join([*forked, str(Path(sys.executable).parent), os.environ["PATH"]]),
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
        if self.process is not None:  # somebody stopped it
            self.process.wait(30)
        told = {
            "ASHORE_PORT": str(self.port),
            "ASHORE_STATE_DIR": str(self._state_dir),
            **{f"ASHORE_{name.upper()}": value for name, value in self._settings.items()},
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ASHORE_")}
        log = self._state_dir.parent / "server.log"
        begin = start_server if self._alone else fork_server
        self.process, said = begin({**clean, **told}, log)
        with said:  # from the last of these lines on the server listens; it answers a moment later
            ready = any(line.startswith("✓ ready") for line in said)
        if not ready:
            self.process.wait()
            raise AssertionError(log.read_text()[-3000:])
        assert self.admin("GET", "health")["status"] == "ready", log.read_text()[-3000:]

    def wait_until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Ask again whenever the journal tells that something happened; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            newest = self.admin("GET", "journal?limit=1")["entries"]
            if holds():
                return
            left = deadline - time.monotonic()
            assert left > 0, f"it did not come true in time; at last:\n{self._last_entries()}"
            seen = newest[0]["seq"] if newest else 0
            self.admin("GET", f"journal?after={seen}&{_HAPPENINGS}&limit=1&wait={min(left, _LOOK_ANYWAY):.3f}")

    def _last_entries(self) -> str:
        """What happened last."""
        entries = self.admin("GET", f"journal?{_HAPPENINGS}&limit=20")["entries"]
        return "\n".join(f"{entry['at']} {entry['kind']} {entry['subject']} {entry['detail']}" for entry in entries)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """A call of the administrative API."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, f"/_ashore/{path}", None if body is None else json.dumps(body), _HEADERS)
            return json.loads(connection.getresponse().read())

    def client(self, service: str, account: str = "test", region: str = "us-east-1", secret: str = "test") -> Any:
        """A boto3 client; `account` is its access key."""
        make: Callable[..., Any] = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key=secret,
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
            self.admin("POST", "shutdown", {"keep": False, "grace": 2})
            self.process.wait(90)


_HEADERS = {"X-Ashore": "1", "Content-Type": "application/json"}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """For what no journal tells of (a file that grows): asked again and again. A server's doings: `RunningServer.wait_until`."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.05)
