"""`aws` and `ashore` as tests run them: forked from a process that has imported what they import.

The suite runs hundreds of these commands, and half of what each took were its imports. A forked command does what its
script does, from `main` on, with the caller's arguments, folder, variables and files. The tests of `ashore` itself and
those of the README start the scripts, as users do.
"""

import atexit
import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_MAINS = {"ashore": "ashore.__main__", "aws": "awscli.clidriver"}
_IMPORTED_TOO = ("awscli.handlers", "awscli.paramfile", "awscli.formatter", "typer._adapters")
_SOCKET = "commands.socket"
_STDIN = 0
_MOST = 1 << 20
"""Bytes of what a command is told; its variables are most of them."""
_SHIM = """#!{python} -IS
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({path!r})
    told = json.dumps([{name!r}, sys.argv, os.getcwd(), dict(os.environ)]).encode()
    server.sendmsg([told], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    ended = server.recv(4)
os._exit(int(ended) if ended else 70)
"""


@cache
def folder() -> Path:
    """The folder that goes first on a PATH; its process ends with the one that asks."""
    place = Path(tempfile.mkdtemp(prefix="ashore-commands-"))
    for name in _MAINS:
        shim = place / name
        shim.write_text(_SHIM.format(python=sys.executable, path=str(place / _SOCKET), name=name), encoding="utf-8")
        shim.chmod(0o755)
    command = [sys.executable, "-m", "tests.forked_commands", str(place / _SOCKET)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
    atexit.register(_end, process)
    return place


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its standard input ends, and so does it; where this process is killed, too."""
    process.communicate()


def _serve(path: str) -> Callable[[], Any]:
    """Fork for each command; returns in the forked process only, what is to be run."""
    mains = {name: import_module(module).main for name, module in _MAINS.items()}
    before = dict(os.environ)
    for module in _IMPORTED_TOO:
        import_module(module)
    own = {name: value for name, value in os.environ.items() if before.get(name) != value}
    own["AWS_DATA_PATH"] = os.environ.get("AWS_DATA_PATH", "")  # awscli tells botocore so where its own data is
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that answer
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while _STDIN not in select.select([listener.fileno(), _STDIN], [], [])[0]:
            connection, _ = listener.accept()
            told, files, _, _ = socket.recv_fds(connection, _MOST, 3)
            if not os.fork():
                listener.close()
                return _command(connection, told, files, mains, own)
            connection.close()
            for file in files:
                os.close(file)
    shutil.rmtree(Path(path).parent)
    sys.exit(0)


def _command(
    connection: socket.socket,
    told: bytes,
    files: list[int],
    mains: dict[str, Callable[[], Any]],
    own: dict[str, str],
) -> Callable[[], Any]:
    """Fork again: one process is the command, the other tells how it ended, or ends it with whoever asked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        ended = os.pidfd_open(pid)
        if ended not in select.select([ended, connection.fileno()], [], [])[0]:
            os.kill(pid, signal.SIGTERM)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(OSError):  # whoever asked may have been killed
            connection.send(str(code % 256).encode())
        os._exit(0)
    connection.close()
    name, sys.argv, place, variables = json.loads(told)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(place)
    os.environ.clear()
    os.environ.update({**own, **variables})
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False, errors=errors)  # noqa: SIM115 - files that are open
        for number, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
    )
    return mains[name]


if __name__ == "__main__":
    sys.exit(_serve(sys.argv[1])())
