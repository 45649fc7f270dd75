"""A command with a terminal in a container that runs: the engine's exec.

Each has two threads of its own, one that waits for output and one that writes: who types into a program that does not
read must not hold up the engine's other requests.

The engine has no request that ends a command, and leaves it its terminal when the client goes. So the command is marked by a
variable of its environment, and hung up as the kernel would when a terminal goes: by a shell in the same container, which
finds the marked session leader and sends SIGHUP to it and to the job in the foreground.
"""

import asyncio
import shlex
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import docker
from docker.errors import APIError

from emulator.runtime.docker_faults import CONFLICT, told_as
from emulator.runtime.faults import CannotExecuteCommandError

_CHUNK = 16 * 1024
_END_OF_INPUT = b"\x03\x04"
"""Ctrl-C, Ctrl-D: for a command in a container that has no shell to hang it up."""

_MARK = "ASHORE_EXEC"
_HANG_UP = """\
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  grep -q "$0" "$process/environ" 2>/dev/null && read -r line <"$process/stat" || continue
  set -- ${line##*) }  # state parent group session terminal foreground
  [ "$4" = "$pid" ] && kill -HUP "$pid" && kill -HUP "-$6" && kill -CONT "-$6"
done
"""
"""$0 is the mark. That it ends badly tells of a container without a shell, or of nothing left to hang up."""


def start(api: docker.APIClient, runtime_id: str, command: str) -> "DockerExec":
    """Start `command`: split as a shell would, but not run by one (as the SSM agent does in containers).

    Raises:
        CannotExecuteCommandError: the engine refuses, or the quotes do not match.

    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CannotExecuteCommandError(f"{error} in the command") from error
    mark = uuid4().hex
    environment = {"TERM": "xterm-256color", _MARK: mark}
    with told_as(CannotExecuteCommandError, "executed"):
        made = api.exec_create(runtime_id, words, stdin=True, tty=True, user="0", environment=environment)
        stream = api.exec_start(made["Id"], tty=True, socket=True)
    return DockerExec(api, made["Id"], stream, Leash(api, runtime_id, f"{_MARK}={mark}"))


@dataclass(frozen=True, slots=True)
class Leash:
    """What a command is hung up by."""

    api: docker.APIClient
    runtime_id: str
    mark: str

    def hang_up(self, exec_id: str) -> None:
        """End the command and its job in the foreground, if it runs; what ignores SIGHUP goes on, as with any terminal."""
        with suppress(APIError):  # the container has gone, or is paused
            if self.api.exec_inspect(exec_id)["Running"]:
                made = self.api.exec_create(self.runtime_id, ["sh", "-c", _HANG_UP, self.mark], user="0")
                self.api.exec_start(made["Id"])


class DockerExec:
    """A process with a terminal."""

    def __init__(self, api: docker.APIClient, exec_id: str, stream: object, leash: Leash) -> None:
        self._api, self._id, self._leash = api, exec_id, leash
        self._stream = stream
        """Kept: the connection is closed where it is collected."""
        self._socket = cast("socket.socket", getattr(stream, "_sock", stream))
        self._socket.settimeout(None)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="docker-exec-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="docker-exec-write")
        self._closed = False

    async def read(self) -> bytes:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, self._socket.recv, _CHUNK)
        except OSError:  # the engine went away, or the container did
            return b""

    async def write(self, data: bytes) -> None:
        with suppress(OSError):  # it has ended: `read` tells
            await asyncio.get_running_loop().run_in_executor(self._writer, self._socket.sendall, data)

    async def resize(self, columns: int, rows: int) -> None:
        with suppress(APIError):  # it has ended
            await asyncio.get_running_loop().run_in_executor(
                self._writer, lambda: self._api.exec_resize(self._id, height=rows, width=columns)
            )

    async def exit_code(self) -> int | None:
        try:
            found = await asyncio.to_thread(self._api.exec_inspect, self._id)
        except APIError as error:
            if error.status_code in {404, CONFLICT}:  # gone with its container
                return None
            raise
        return cast("int | None", found["ExitCode"])

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._end)
        self._reader.shutdown(wait=False)
        self._writer.shutdown(wait=False, cancel_futures=True)

    def _end(self) -> None:
        self._leash.hang_up(self._id)
        with suppress(OSError):
            self._socket.settimeout(1)  # it may be full
            self._socket.sendall(_END_OF_INPUT)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
