"""A real Caddy as router, to ask what the reference says of the same."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emulator.balancer.caddy import Site, router, socket_path
from emulator.balancer.matcher import Request
from emulator.balancer.model import Listener, LoadBalancer
from emulator.balancer.pools import Pool
from emulator.balancer.process import Caddy, find_caddy
from tests.emulator.balancer.scenes import answering, balancer


class RealRouter:
    """A router that is given one listener after another."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self._runner, self._folder = runner, folder
        self._caddy = Caddy(folder, "router", lambda _lines: None)
        binary = find_caddy()
        assert binary is not None
        runner.run(self._caddy.start(binary, router(Site([balancer(answering())], {}, str(folder), {}))))

    def load(self, wanted: Listener) -> None:
        """Serve one listener."""
        self.load_balancer(balancer(wanted), {})

    def load_balancer(self, wanted: LoadBalancer, pools: Mapping[str, Pool]) -> None:
        """Serve one load balancer; raises what Caddy says against it."""
        self._runner.run(self._caddy.load(router(Site([wanted], pools, str(self._folder), {}))))

    def ask(self, wanted: Listener, asked: Request) -> tuple[int, dict[str, str], str]:
        """Its answer: status, headers and body."""
        return self._runner.run(ask_socket(self._folder, wanted, asked))

    def kill(self) -> None:
        """End it."""
        self._runner.run(self._caddy.kill())


@contextmanager
def real_router() -> Iterator[RealRouter]:
    """One that runs, until the end."""
    with tempfile.TemporaryDirectory(prefix="ash") as folder, asyncio.Runner() as runner:
        started = RealRouter(runner, Path(folder))
        try:
            yield started
        finally:
            started.kill()


async def ask_socket(folder: Path, wanted: Listener, asked: Request) -> tuple[int, dict[str, str], str]:
    """Ask the router in this folder for a listener: status, headers and body."""
    target = f"{asked.path}?{asked.query}" if asked.query else asked.path
    told = [("Host", asked.host), ("X-Ashore-Client-Ip", asked.source_ip), ("Connection", "close"), *asked.headers]
    lines = "".join(f"{name}: {value}\r\n" for name, value in told)
    answer = b""
    while not answer:  # a router that is loaded anew drops what it is reading: the door asks again, too
        reader, writer = await asyncio.open_unix_connection(socket_path(str(folder), wanted.arn))
        writer.write(f"{asked.method} {target} HTTP/1.1\r\n{lines}\r\n".encode())
        answer = await reader.read(-1)
        writer.close()
    head, _, body = answer.decode().partition("\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    return int(head[9:12]), fields, body
