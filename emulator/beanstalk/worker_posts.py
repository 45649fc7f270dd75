"""One request of the daemon to an application: over HTTP, or on the simulated runtime by the script of its image."""

import asyncio
from urllib.parse import quote

from emulator.beanstalk.workers import Target
from emulator.clock import Clock
from emulator.emulator import Emulator
from emulator.runtime.simulated import SimulatedRuntime
from scheduler.beanstalk.worker_messages import Post, WorkerSettings

_BAD_GATEWAY = 502
_CHUNK = 65536
_AS_IS = "/?#%&=+~:@!$'()*,;[]"
"""What a path may have beside letters and digits."""


async def hand_over(emulator: Emulator, target: Target, post: Post, settings: WorkerSettings) -> int | None:
    """The HTTP status of the answer; None: no answer, or no connection."""
    runtime = emulator.runtime
    if isinstance(runtime, SimulatedRuntime):
        script = runtime.scripts.of(target.image)
        await emulator.clock.sleep(min(script.answers_after, settings.inactivity_timeout))
        return script.answers if script.answers_after <= settings.inactivity_timeout else None
    return await ask(emulator.clock, target, post, settings)


async def ask(clock: Clock, target: Target, post: Post, settings: WorkerSettings) -> int | None:
    """The same of what really listens.

    InactivityTimeout is time of the clock, as the visibility of a message is. ConnectTimeout is real time: a connection is made
    by the operating system.
    """
    try:
        async with asyncio.timeout(settings.connect_timeout):
            reader, writer = await asyncio.open_connection(target.host, target.port)
    except OSError:  # TimeoutError is one
        return _BAD_GATEWAY if target.proxied else None
    asking = asyncio.ensure_future(_ask(reader, writer, post))
    try:
        return await _within(clock, settings.inactivity_timeout, asking)
    finally:
        writer.close()


async def _within(clock: Clock, seconds: float, asking: "asyncio.Future[int | None]") -> int | None:
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((asking, timer), return_when=asyncio.FIRST_COMPLETED)
        return asking.result() if asking.done() else None
    finally:
        timer.cancel()
        asking.cancel()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, post: Post) -> int | None:
    """The status, once the whole answer is here."""
    body = post.body.encode()
    headers = {"Host": "localhost", **post.headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [
        f"POST {quote(post.path, _AS_IS)} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    try:
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        status, length = await _head(reader)
        while status < 200:  # interim answers
            status, length = await _head(reader)
        while (length is None or length > 0) and (data := await reader.read(_CHUNK)):
            length = None if length is None else length - len(data)
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
        return None
    return status


async def _head(reader: asyncio.StreamReader) -> tuple[int, int | None]:
    """Status and Content-Length.

    Raises:
        ValueError: it is no HTTP.
        asyncio.IncompleteReadError: the connection ended (an EOFError).

    """
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, _, rest = status_line.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(status_line)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status, length = int(rest[:3]), fields.get("content-length")
    if status in {204, 304}:
        return status, 0
    return status, int(length) if length is not None else None
