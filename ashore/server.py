"""Starts the server as a subprocess and finds it again.

It runs as `python -I -m api`, so that a package of the user's that is called `api` cannot clash.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ashore.client import Client
from ashore.errors import Problem, already_running, did_not_start, not_running, port_in_use
from ashore.output import ERR

_LOOK_AGAIN = 0.05


def command() -> list[str]:
    """The server's command line; what it is told goes through `ASHORE_…` variables."""
    return [sys.executable, "-I", "-m", "api"]


def environment(options: Mapping[str, str | None]) -> dict[str, str]:
    """The present environment with `options` (setting name → value) as `ASHORE_…` variables."""
    chosen = {f"ASHORE_{name.upper()}": value for name, value in options.items() if value is not None}
    return {**os.environ, **chosen}


def refuse_taken_port(client: Client) -> None:
    """Raise the fitting `Problem` where the port is not free."""
    if not client.answers():
        return
    try:
        client.get("health")
    except Problem:
        raise port_in_use(client.port, "another program") from None
    raise already_running(client.url)


def start_detached(client: Client, env: Mapping[str, str], timeout: float = 60) -> dict[str, Any]:
    """Start in the background and return the health document once the server is ready."""
    descriptor, name = tempfile.mkstemp(prefix="ashore-", suffix=".log")
    with os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command(), env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise did_not_start(Path(name).read_text(encoding="utf-8")[-2000:])
        health = ready(client)
        if health is not None:
            return health
        time.sleep(_LOOK_AGAIN)  # noqa: TID251 - the user's side waits in real time
    raise did_not_start(f"not ready after {timeout:.0f} s; its log is {name}")


def ready(client: Client) -> dict[str, Any] | None:
    """The health document, or None while nothing answers."""
    try:
        document = client.get("health")
    except Problem:
        return None
    return document if isinstance(document, dict) else None


def wait_ready(client: Client, timeout: float) -> dict[str, Any]:
    """The health document as soon as the server answers.

    Raises:
        Problem: ASH-N001 after `timeout` seconds.

    """
    deadline = time.monotonic() + timeout
    while (health := ready(client)) is None:
        if time.monotonic() >= deadline:
            raise not_running(client.url)
        time.sleep(_LOOK_AGAIN)  # noqa: TID251 - the user's side waits in real time
    return health


def stop(client: Client, *, keep: bool, timeout: float) -> None:
    """Have the server stop (its tasks too, unless `keep`) and return once its process has ended."""
    pid = int(client.get("health")["pid"])
    client.post("shutdown", {"keep": keep}, timeout)
    deadline = time.monotonic() + timeout
    told = time.monotonic() + 1
    while _lives(pid):
        now = time.monotonic()
        if now >= deadline:
            raise did_not_start(f"process {pid} still stops its tasks after {timeout:.0f} s")
        if now >= told:
            ERR.print("stopping tasks…")
            told = deadline
        time.sleep(_LOOK_AGAIN)  # noqa: TID251 - the user's side waits in real time


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True
