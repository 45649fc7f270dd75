"""Starts the server as a subprocess and finds it again.

It runs as `python -I -m api`, so that a package of the user's that is called `api` cannot clash.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ashore.client import Client
from ashore.errors import (
    Problem,
    already_running,
    did_not_start,
    lost_setting,
    not_running,
    port_in_use,
    still_stopping,
)
from ashore.output import ERR, progress
from ashore.ports import holder

_LOOK_AGAIN = 0.05


def command() -> list[str]:
    """The server's command line; what it is told goes through `ASHORE_…` variables."""
    return [sys.executable, "-I", "-m", "api"]


def environment(options: Mapping[str, str | None]) -> dict[str, str]:
    """The present environment with `options` (setting name → value) as `ASHORE_…` variables."""
    chosen = {f"ASHORE_{name.upper()}": value for name, value in options.items() if value is not None}
    return {**os.environ, **chosen}


def environment_again(settings: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The present environment, with the settings of a server that runs in place of those that are set here.

    Raises:
        Problem: ASH-S007 where the server keeps its state at a `DATABASE_URL` that is not told here.

    """
    values = {setting["name"]: setting["value"] for setting in settings if setting["value"] != "None"}
    if values.pop("database_url", None) and "DATABASE_URL" not in os.environ:
        raise lost_setting("DATABASE_URL")
    if values.get("ephemeral") == "True":
        values.pop("state_dir")  # it went with the server
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ASHORE_")}
    return {**ours, **{f"ASHORE_{name.upper()}": value for name, value in values.items()}}


def refuse_taken_port(client: Client) -> None:
    """Raise the fitting `Problem` where the port is not free."""
    if not client.answers():
        return
    try:
        client.health()
    except Problem:
        raise port_in_use(client.port, holder(client.port)) from None
    raise already_running(client.url)


def start_detached(client: Client, env: Mapping[str, str], timeout: float = 60) -> dict[str, Any]:
    """Start in the background and return the health document once the server is ready."""
    descriptor, name = tempfile.mkstemp(prefix="ashore-", suffix=".log")
    with os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command(), env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + timeout
    with progress("starting…"):
        health = _first_answer(client, process, deadline, Path(name))
    if health is None:
        raise did_not_start(f"not ready after {timeout:.0f} s; its log is {name}")
    return health


def _first_answer(
    client: Client, process: "subprocess.Popen[bytes]", deadline: float, log: Path
) -> dict[str, Any] | None:
    """The health document of `process` once it is ready; None where the deadline comes first."""
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise did_not_start(log.read_text(encoding="utf-8")[-2000:], process.returncode)
        health = ready(client)
        if health is not None and health["pid"] == process.pid:
            return health
        time.sleep(_LOOK_AGAIN)  # noqa: TID251 - the user's side waits in real time
    return None


def ready(client: Client) -> dict[str, Any] | None:
    """The health document, or None while nothing answers."""
    try:
        document = client.health()
    except Problem:
        return None
    return document if isinstance(document, dict) else None


def wait_ready(client: Client, timeout: float) -> dict[str, Any]:
    """The health document as soon as the server answers.

    Raises:
        Problem: ASH-N001 after `timeout` seconds.

    """
    deadline = time.monotonic() + timeout
    with progress(f"waiting for {client.url}…"):
        while (health := ready(client)) is None:
            if time.monotonic() >= deadline:
                raise not_running(client.url)
            time.sleep(_LOOK_AGAIN)  # noqa: TID251 - the user's side waits in real time
    return health


def stop(client: Client, *, keep: bool, grace: float, timeout: float) -> None:
    """Have the server stop (its tasks too, unless `keep`) and return once its process has ended.

    Raises:
        Problem: ASH-S004 after `timeout` seconds; the server goes on stopping.

    """
    pid = int(client.health()["pid"])
    client.post("shutdown", {"keep": keep, "grace": grace}, timeout)
    began, told, last = time.monotonic(), 1.0, ""
    while _lives(pid):
        took = time.monotonic() - began
        if took >= timeout:
            raise still_stopping(pid, timeout)
        if took >= told:
            told, left = took + 1, _left(client)
            if left != last:
                ERR.print(left, markup=False)
                last = left
        time.sleep(_LOOK_AGAIN)  # noqa: TID251 - the user's side waits in real time


def _left(client: Client) -> str:
    try:
        count = client.get("status")["counts"]["tasks not stopped"]
    except Problem:
        return "closing…"
    return f"stopping: {count} tasks left…"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True
