"""The processes that carry load balancers out, and the ports they listen on.

Listening sockets are the emulator's own and are inherited by the door: a port that cannot be had is known at once, and
connections wait in its queue while a process is replaced.
"""

import asyncio
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import structlog

from emulator.balancer.caddy import Site, router
from emulator.balancer.door import Entry, Port, door
from emulator.balancer.faults import without_rules
from emulator.balancer.model import Rule
from emulator.balancer.process import Caddy, CaddyError, ConfigurationRefusedError, refusal
from emulator.balancer.refusals import refused_rules
from emulator.balancer.traffic import Served, read_lines

_LOG = structlog.get_logger()
_BACKLOG = 1024
_ELSEWHERE = 8000
"""Where a port that cannot be had is tried next: 80 becomes 8080, 443 becomes 8443."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A port of this machine with the listeners behind it, the oldest first."""

    port: int
    entries: tuple[Entry, ...]


class Plane(Protocol):
    """What carries load balancers out."""

    async def apply(self, site: Site, openings: Sequence[Opening]) -> Mapping[Rule, str]:
        """Have exactly this served; whatever is under way is finished. Starts what does not run.

        Returns: the rules that had to be left out, and why.
        """

    async def under_way(self) -> Mapping[str, int] | None:
        """Address → requests that are under way there, of the site's draining targets at least; None where nobody can say now."""

    async def stop(self) -> None:
        """End everything."""


class Sockets:
    """The listening sockets, by port."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._open: dict[int, socket.socket] = {}

    def claim(self, wanted: int) -> int:
        """A port to listen on: `wanted`, else `wanted` + 8000, else any. It is open when this returns."""
        for port in (wanted, wanted + _ELSEWHERE, 0):
            if port in self._open:
                continue
            try:
                listener = socket.create_server((self._host, port), backlog=_BACKLOG, family=self._family)
            except (OSError, OverflowError):  # taken, privileged, or no such port
                continue
            found = int(listener.getsockname()[1])
            self._open[found] = listener
            return found
        raise OSError("no port can be had")

    def get(self, port: int) -> socket.socket:
        """The socket of a port, opened where it is not.

        Raises:
            OSError: it cannot be had any more.

        """
        if port not in self._open:
            self._open[port] = socket.create_server((self._host, port), backlog=_BACKLOG, family=self._family)
        return self._open[port]

    def has(self, port: int) -> bool:
        """Whether a port is ours, or could be."""
        if port in self._open:
            return True
        try:
            socket.create_server((self._host, port), family=self._family).close()
        except OSError:
            return False
        return True

    def keep_only(self, ports: Sequence[int]) -> None:
        """Close the others."""
        for port in set(self._open) - set(ports):
            self._open.pop(port).close()

    @property
    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self._host else socket.AF_INET


class CaddyPlane:
    """A door and a router.

    Args:
        binary: Caddy.
        folder: for sockets; short, because a unix socket's path is.
        sockets: the listening sockets.
        served: is told of each request.
        died: is called when a process ends of itself; `apply` starts it again.

    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        sockets: Sockets,
        served: Callable[[Sequence[Served]], None],
        died: Callable[[], None],
    ) -> None:
        self._binary, self._folder, self._sockets, self._died = binary, folder, sockets, died
        self._served = served
        self._router: Caddy | None = None
        self._door: Caddy | None = None
        self._loaded: dict[str, Any] = {}
        self._refused: dict[Rule, str] = {}
        """Rules that Caddy would not have, and why; they are not tried again as long as they stay as they are."""
        self._opened: list[Opening] = []
        self._doors = 0

    async def apply(self, site: Site, openings: Sequence[Opening]) -> Mapping[Rule, str]:
        """See `Plane`."""
        await self._route(site)
        if list(openings) != self._opened or (openings and not (self._door and self._door.runs)):
            await self._open(list(openings))
        return dict(self._refused)

    async def under_way(self) -> Mapping[str, int] | None:
        """See `Plane`."""
        if self._router is None or not self._router.runs:
            return {}
        try:
            return await self._router.under_way()
        except CaddyError:  # it is starting, or takes on another configuration
            return None

    async def stop(self) -> None:
        """See `Plane`."""
        for process in (self._door, self._router):
            if process is not None:
                await process.kill()
        self._door = self._router = None
        self._opened = []
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _route(self, site: Site) -> None:
        """Have the router take this on, without the rules that it refuses: one must not keep the others from working."""
        rules = _rules_of(site)
        self._refused = {rule: why for rule, why in self._refused.items() if rule in set(rules)}
        try:
            await self._load(router(_without(site, self._refused)))
        except ConfigurationRefusedError:
            if await self._refusal(site, ()) is not None:  # it is not the rules
                raise
            found = await refused_rules(
                [rule for rule in rules if rule not in self._refused], lambda some: self._refusal(site, some)
            )
            self._refused.update(found)
            await self._load(router(_without(site, self._refused)))

    async def _refusal(self, site: Site, rules: Sequence[Rule]) -> str | None:
        left_out = dict.fromkeys(set(_rules_of(site)) - set(rules), "")
        return await asyncio.to_thread(refusal, self._binary, self._folder, router(_without(site, left_out)))

    async def _load(self, config: dict[str, Any]) -> None:
        if self._router is not None and self._router.runs:
            if config != self._loaded:
                await self._router.load(config)
        elif config["apps"]["http"]["servers"]:
            for left in self._folder.glob("*.sock"):  # of a process that died
                if not left.name.startswith("door"):
                    left.unlink(missing_ok=True)
            self._router = Caddy(self._folder, "router", self._told, self._died)
            await self._router.start(self._binary, config)
        self._loaded = config

    async def _open(self, openings: list[Opening]) -> None:
        """A new door beside the old one, on the same sockets; then the old one finishes what it has."""
        old, self._door = self._door, None
        if openings:
            self._doors += 1
            name = f"door{self._doors}"
            found = [Port(self._sockets.get(opening.port).fileno(), opening.entries) for opening in openings]
            new = Caddy(self._folder, name, lambda _lines: None, self._died)
            config = door(found, str(self._folder), str(new.admin))
            await new.start(self._binary, config, [port.handle for port in found])
            self._door = new
        self._opened = openings
        if old is not None:
            await old.finish()

    def _told(self, lines: bytes) -> None:
        self._served(read_lines(lines))


def _rules_of(site: Site) -> list[Rule]:
    return [rule for balancer in site.balancers for listener in balancer.listeners for rule in listener.rules]


def _without(site: Site, faults: Mapping[Rule, str]) -> Site:
    return replace(site, balancers=[without_rules(balancer, faults) for balancer in site.balancers]) if faults else site


def prepare(folder: Path) -> None:
    """An empty folder that only its owner may look into."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.iterdir():
        if left.is_file() or left.is_socket():
            left.unlink(missing_ok=True)


__all__ = ["CaddyError", "CaddyPlane", "Opening", "Plane", "Sockets", "prepare"]
