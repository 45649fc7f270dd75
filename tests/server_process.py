"""Processes of the server, begun quickly: forked from one that has imported all it may need.

A server that uses EC2 imports ten seconds' worth of modules; most modules of tests start one. What a forked server does
is what `python -I -m api` does, from `main` on. `tests/ashore` and the benchmarks start interpreters of their own, as
users do.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Protocol, TextIO

REPOSITORY = Path(__file__).parent.parent
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.server_imports"])


class ServerProcess(Protocol):
    """What a test does with a server's process."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """How it ended; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has; raises `subprocess.TimeoutExpired` after `timeout` seconds."""

    def send_signal(self, sig: int) -> None:
        """Send a signal while it runs."""


def start_server(environment: Mapping[str, str], log: Path) -> tuple[ServerProcess, TextIO]:
    """As `fork_server`, in an interpreter of its own."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", "api"],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=REPOSITORY,
            text=True,
        )
    assert isinstance(process.stdout, TextIOWrapper)
    return process, process.stdout


def fork_server(environment: Mapping[str, str], log: Path) -> tuple[ServerProcess, TextIO]:
    """A server process, and what it prints.

    Args:
        environment: its variables, all of them.
        log: where its errors are added.

    """
    said, prints = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_serve, args=(dict(environment), str(log), prints), daemon=True)
    process.start()
    prints.close()
    printed = os.fdopen(os.dup(said.fileno()), encoding="utf-8")
    said.close()
    return _Fork(process), printed


def fork(target: Callable[..., None], argument: object) -> tuple[Connection, ServerProcess]:
    """A process that calls `target` with `argument` and its end of a pipe; ours, and the process."""
    ours, theirs = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=target, args=(argument, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, _Fork(process)


class _Fork:
    """A forked process with the methods of `subprocess.Popen`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("server", timeout or 0)
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


def _serve(environment: Mapping[str, str], log: str, prints: Connection) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), sys.stderr.fileno())
    os.dup2(prints.fileno(), sys.stdout.fileno())
    prints.close()
    from moto.moto_api._internal import mock_random  # noqa: PLC0415 - as above

    from api.__main__ import main  # noqa: PLC0415 - the test process does not need it

    mock_random.seed()  # or all servers would draw the same identifiers
    main()
