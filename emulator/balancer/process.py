"""A Caddy process: started, asked on its administrative socket, and never outliving the emulator.

A shell stands between: it reads from a pipe that the emulator holds open, and kills Caddy when the pipe ends, however the
emulator died. Caddy's own death is seen by the end of its standard output.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

_WATCH = '"$@" </dev/null & child=$!; exec >/dev/null; read -r _; kill -9 $child 2>/dev/null'
_CHUNK = 1 << 16
_START_SECONDS = 15.0
_ANSWER_SECONDS = 20.0


class CaddyError(Exception):
    """Caddy did not start, or does not answer."""


class ConfigurationRefusedError(CaddyError):
    """Caddy refused a configuration; what it had before stays."""


def find_caddy() -> str | None:
    """The binary: beside this Python (from PyPI), or on the PATH; None where there is none for this platform."""
    beside = Path(sys.executable).parent / "caddy"
    return str(beside) if beside.is_file() else shutil.which("caddy")


def refusal(binary: str, folder: Path, config: dict[str, Any]) -> str | None:
    """Why Caddy would refuse a configuration, in its words; None where it would not. Takes a process and a moment."""
    file = folder / "tried.json"
    file.touch(mode=0o600)
    file.write_bytes(orjson.dumps(config))
    tried = subprocess.run(  # noqa: S603 - our own words and the binary that we found
        (binary, "validate", "--config", str(file)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=_environment(folder),
        timeout=_ANSWER_SECONDS,
        check=False,
    )
    last = tried.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return None if tried.returncode == 0 else last.removeprefix("Error: ")[-500:]


def _environment(folder: Path) -> dict[str, str]:
    home = str(folder)
    return {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "PATH": os.defpath}


class Caddy:
    """One process.

    Args:
        folder: where its sockets are; only its owner may look inside.
        name: what its files there are called; unique among living processes.
        told: is given what it writes on its standard output, in whole lines.
        died: is called when it ends, unless it was asked to.

    """

    def __init__(
        self, folder: Path, name: str, told: Callable[[bytes], None], died: Callable[[], None] = lambda: None
    ) -> None:
        self.admin = folder / f"{name}.sock"
        self._folder, self._name, self._told, self._died = folder, name, told, died
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: BinaryIO
        """Caddy lives as long as this is open."""
        self._reading: asyncio.Task[None] | None = None

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._reading is not None and not self._reading.done()

    async def start(self, binary: str, config: dict[str, Any], inherited: Sequence[int] = ()) -> None:
        """Start it with `config`; return once it serves.

        Raises:
            ConfigurationRefusedError: it ended at once.
            CaddyError: it does not come up.

        """
        self.admin.unlink(missing_ok=True)
        file, log = self._folder / f"{self._name}.json", self._folder / f"{self._name}.log"
        file.touch(mode=0o600)
        file.write_bytes(orjson.dumps(config))
        with log.open("wb") as errors:
            output = self._spawn((binary, "run", "--config", str(file)), errors, inherited)
        self._reading = asyncio.create_task(self._read(output))
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._answers():
                    if not self.runs:
                        await self.kill()
                        raise ConfigurationRefusedError(log.read_text(errors="replace")[-2000:])
                    await asyncio.wait((self._reading,), timeout=0.01)
        except TimeoutError:
            await self.kill()
            raise CaddyError("it did not answer in time") from None

    async def load(self, config: dict[str, Any]) -> None:
        """Give it another configuration, all at once.

        Raises:
            ConfigurationRefusedError: it refuses; the old configuration stays.
            CaddyError: it does not answer.

        """
        status, body = await self._ask("POST", "/load", orjson.dumps(config))
        if status != 200:
            raise ConfigurationRefusedError(body.decode(errors="replace")[:2000])

    async def under_way(self) -> dict[str, int]:
        """Address of an upstream → its requests that are under way.

        Raises:
            CaddyError: it does not say.

        """
        status, body = await self._ask("GET", "/reverse_proxy/upstreams")
        if status != 200:
            raise CaddyError(body.decode(errors="replace")[:2000])
        return {item["address"]: item["num_requests"] for item in orjson.loads(body)}

    async def finish(self) -> None:
        """Have it end what is under way, and go."""
        if not self.runs or self._reading is None:
            return
        self._died = lambda: None
        try:
            await self._ask("POST", "/stop")
        except CaddyError:  # it has gone meanwhile
            pass
        else:
            await self._reading
        await self.kill()

    async def kill(self) -> None:
        """End it at once."""
        self._died = lambda: None
        if self._process is not None:
            self._leash.close()
            await asyncio.to_thread(self._process.wait)
        if self._reading is not None:
            await self._reading

    async def _answers(self) -> bool:
        try:
            status, _ = await self._ask("GET", "/config/admin/listen")
        except CaddyError:
            return False
        return status == 200

    async def _ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Ask on its administrative socket, again where the connection is lost before the answer.

        Each configuration gives Caddy another administrative server; the one before it drops connections that it has not
        read yet. Whatever is asked may be asked twice.
        """
        head = (
            f"{method} {path} HTTP/1.0\r\nHost: {self._name}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while True:
                    answer = await self._exchange(head.encode() + body)
                    top, _, rest = answer.partition(b"\r\n\r\n")
                    if top.startswith(b"HTTP/1."):
                        return int(top[9:12]), rest
        except (OSError, TimeoutError) as error:
            raise CaddyError(str(error) or "no answer in time") from error

    async def _exchange(self, request: bytes) -> bytes:
        """All that comes back; nothing where the connection is lost.

        Raises:
            OSError: nobody listens.

        """
        reader, writer = await asyncio.open_unix_connection(str(self.admin))
        try:
            writer.write(request)
            return await reader.read(-1)
        except (ConnectionResetError, BrokenPipeError):
            return b""
        finally:
            writer.close()

    def _spawn(self, command: Sequence[str], errors: BinaryIO, inherited: Sequence[int]) -> BinaryIO:
        """Start it; its standard output. Not by asyncio: of the pipes that uvloop gives, the shell keeps copies beside Caddy."""
        held, leash = os.pipe()
        output, written = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own words and the binary that we found
                ("/bin/sh", "-c", _WATCH, "sh", *command),
                stdin=held,
                stdout=written,
                stderr=errors,
                pass_fds=tuple(inherited),
                env=_environment(self._folder),
            )
        finally:
            os.close(held)
            os.close(written)
        self._leash = os.fdopen(leash, "wb")
        return os.fdopen(output, "rb")

    async def _read(self, output: BinaryIO) -> None:
        """Take its standard output in until it ends."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), output
        )
        kept = b""
        try:
            while data := await reader.read(_CHUNK):
                whole, newline, rest = (kept + data).rpartition(b"\n")
                if newline:
                    self._told(whole)
                kept = rest
        finally:
            transport.close()
        self._died()
