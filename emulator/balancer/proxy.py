"""What is wanted of the data plane, put together from the scenes and pools found, and given to it when it changes."""

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from emulator.balancer.caddy import Site, revision_of
from emulator.balancer.certificates import Certificates
from emulator.balancer.door import Entry
from emulator.balancer.faults import without_faults
from emulator.balancer.forwarder import Forwarders
from emulator.balancer.fronts import Fronts
from emulator.balancer.health import OUTSIDE, State
from emulator.balancer.listener_ports import ListenerPorts
from emulator.balancer.model import Action, Forward, Listener, LoadBalancer, Rule, Scene, TargetGroup
from emulator.balancer.plain import PlainPlane
from emulator.balancer.plane import CaddyPlane, Opening, Plane, Sockets, prepare
from emulator.balancer.pools import Known, Pool, pool_of, still_slow
from emulator.balancer.ports import TargetKey
from emulator.balancer.process import find_caddy
from emulator.balancer.reports import Reports
from emulator.balancer.targets import key_of
from emulator.balancer.told_requests import ToldRequests
from emulator.emulator import Emulator
from emulator.state.balancer import TargetRow

_LOG = structlog.get_logger()
LOOP = "proxy"
_ALL = "all"
_HTTP_PORT = 80
_HTTP, _TCP = {"HTTP", "HTTPS"}, {"TCP"}


class Proxy:
    """Carries traffic.

    Args:
        emulator: the server.
        folder: for the processes' sockets; short, because a unix socket's path is.

    """

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator, self._folder = emulator, folder
        self._sockets = Sockets(emulator.settings.host)
        self._certificates = Certificates(emulator.settings.state_dir / "certificates", emulator.clock)
        self._scenes: dict[tuple[str, str], Scene] = {}
        self._pools: dict[str, Pool] = {}
        self._names: dict[str, Listener] = {}
        self._plane: Plane | None = None
        self._standard_port: int | None = None
        self._fronts = Fronts()
        self._wanted = self._tried = self._served = 0
        """Numbers of what is to be served: each change gets the next one."""
        self._turn = asyncio.Event()
        """Set, and replaced, when the data plane has been given what was wanted, or would not take it."""
        self._held = False
        self._forwarders = Forwarders()
        self.told = ToldRequests(self._revision_of, lambda: (*self._pools.values(), *self._fronts.pools.values()))
        self._reports = Reports(emulator)
        self._ports = ListenerPorts(emulator, self._sockets, self._reports)
        self._loop = emulator.loops.add(LOOP, self.handle)

    @property
    def scenes(self) -> Mapping[tuple[str, str], Scene]:
        """Account and region → what is there."""
        return self._scenes

    def update(self, account: str, region: str, scene: Scene) -> None:
        """Serve these load balancers."""
        if self._scenes.get((account, region), Scene()) != scene:
            self._scenes[account, region] = scene
            self._pools = {
                arn: Pool(group, pool.backends, pool.draining)
                for arn, pool in self._pools.items()
                if (group := self._group(arn)) is not None
            }
            self._wake()

    def fill(
        self,
        group: TargetGroup,
        rows: Sequence[TargetRow],
        hosts: Mapping[str, str | None],
        doubtful: Container[TargetKey] = (),
        entering: Container[TargetKey] = (),
    ) -> datetime | None:
        """Use these targets, the doubtful ones if there is no other; when their shares change as time passes (slow start).

        Targets that are entering are healthy from now on, whatever their rows say.
        """
        now = self._emulator.clock.now()
        known = [self._known(row, hosts, doubtful=key_of(row) in doubtful) for row in rows]
        known = [
            replace(target, state=State.HEALTHY, healthy_since=now)
            if target.state in OUTSIDE and key_of(row) in entering
            else target
            for target, row in zip(known, rows, strict=True)
        ]
        pool = pool_of(group, known, now)
        if self._pools.get(group.arn) != pool:
            self._pools[group.arn] = pool
            self._wake()
        slow = any(still_slow(group, target, now) for target in known)
        return now + timedelta(seconds=group.slow_start_seconds / 10) if slow else None

    async def under_way(self, target_group_arn: str) -> Mapping[str, int] | None:
        """Draining address → its requests that are under way; None until that is known, and new ones go elsewhere."""
        pool = self._pools.get(target_group_arn)
        if pool is None or self._served < self._wanted:
            return None
        counts = dict(self._forwarders.under_way())
        if self._plane is not None:
            proxied = await self._plane.under_way()
            if proxied is None:
                return None
            counts = {**proxied, **counts}
        return {address: counts.get(address, 0) for address in pool.draining}

    @property
    def held(self) -> bool:
        """Nothing is served yet."""
        return self._held

    def hold(self) -> None:
        """Serve nothing until `release`: who asks meanwhile finds no port, or waits, and gets no answer of half a picture."""
        self._held = True

    def release(self) -> None:
        """Serve what is known by now."""
        self._held = False
        self._wake()

    @property
    def faults(self) -> Mapping[str, str]:
        """ARN of a rule that is left out → why."""
        return self._reports.faults

    def front(self, fronts: Fronts) -> bool:
        """Serve these, too; whether that is another thing than before."""
        if fronts == self._fronts:
            return False
        self._fronts = fronts
        self._wake()
        return True

    def real(self, address: str) -> str:
        """Where what a host's port stands for is answered."""
        return self._fronts.ports.get(address, address)

    def port_of(self, listener_arn: str) -> int | None:
        """The port that a listener really has; None until it listens."""
        return self._ports.known.get(listener_arn)

    @property
    def standard_port(self) -> int:
        """See `ports.Balancer`; asked of the machine once."""
        if self._standard_port is None:
            self._standard_port = _HTTP_PORT if self._sockets.has(_HTTP_PORT) else self._emulator.port
        return self._standard_port

    def address_of(self, name: str) -> tuple[str, int, bool] | None:
        """Where a load balancer's DNS name is answered: address, port, and whether it speaks TLS; None for other names."""
        listener = self._names.get(name)
        port = self._ports.known.get(listener.arn) if listener is not None else None
        if listener is None or port is None:
            return None
        host = self._emulator.settings.host
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, listener.protocol == "HTTPS"

    async def handle(self, _keys: list[str]) -> None:
        """Bring the data plane up to date."""
        if self._held:
            return
        wanted, turn = self._wanted, self._turn
        self._turn = asyncio.Event()
        try:
            await self._apply()
            self._served = wanted
        finally:
            self._tried = wanted
            turn.set()

    async def settled(self) -> bool:
        """Wait until the data plane has been given what is known now; whether it has taken it."""
        wanted = self._wanted
        while self._tried < wanted:
            await self._turn.wait()
        return self._served >= wanted

    async def stop(self) -> None:
        """End the processes and close the ports."""
        await self._forwarders.stop()
        if self._plane is not None:
            await self._plane.stop()
        self._sockets.keep_only(())

    def forget(self) -> None:
        """After a reset: nothing is served."""
        self._scenes.clear()
        self._pools.clear()
        self._fronts = Fronts()
        self.told.counter.forget()
        self._wake()

    async def _apply(self) -> None:
        balancers, faults = self._carried_out()
        listeners = [(balancer, listener) for balancer in balancers for listener in balancer.listeners]
        openings = self._openings(listeners)
        site = Site(
            balancers,
            {**self._pools, **self._fronts.pools},
            str(self._folder),
            dict(self._ports.known),
            self._fronts.logged,
            self._fronts.static,
        )
        names = {
            balancer.dns_name.lower(): min(served, key=_preference)
            for balancer in balancers
            if (served := [listener for listener in balancer.listeners if listener.protocol in _HTTP])
        }
        self._names = {
            **{
                name: names[found]
                for one in balancers
                if (found := one.dns_name.lower()) in names
                for name in self._fronts.names_of(one)
            },
            **names,
        }
        await self._forwarders.apply(
            {
                self._ports.known[listener.arn]: (
                    self._sockets.get(self._ports.known[listener.arn]),
                    self._targets_of(listener),
                )
                for _, listener in listeners
                if listener.protocol in _TCP and listener.arn in self._ports.known
            }
        )
        if openings or self._plane is not None:
            faults.update(await self._plane_now().apply(site, openings))
        self._reports.tell_faults(faults)
        self._sockets.keep_only(list(self._ports.known.values()))

    def _carried_out(self) -> tuple[list[LoadBalancer], dict[Rule, str]]:
        """All load balancers without the rules that cannot be carried out, and why they cannot."""
        balancers: list[LoadBalancer] = [*self._fronts.balancers]
        faults: dict[Rule, str] = {}
        for scene in self._scenes.values():
            for balancer in scene.balancers:
                kept, found = without_faults(balancer)
                balancers.append(kept)
                faults.update(found)
        return balancers, faults

    def _plane_now(self) -> Plane:
        if self._plane is None:
            binary = find_caddy()
            if binary is None:
                _LOG.warning(
                    "there is no Caddy for this platform: load balancers are served in Python, HTTP only, no static files"
                )
                self._plane = PlainPlane(self._sockets, self.told.add)
                return self._plane
            prepare(self._folder)
            self._plane = CaddyPlane(binary, self._folder, self._sockets, self.told.add, self._wake)
        return self._plane

    def _openings(self, listeners: Sequence[tuple[LoadBalancer, Listener]]) -> list[Opening]:
        """Ports with those that listen there, the oldest first."""
        since = self._ports.claim([listener for _, listener in listeners if listener.protocol in _HTTP | _TCP])
        found: dict[int, list[tuple[datetime, Entry]]] = {}
        for balancer, listener in listeners:
            if listener.protocol in _HTTP:
                wanted = listener.protocol == "HTTPS"
                names = self._fronts.names_of(balancer)
                made = [self._certificates.of(name) for name in (balancer.dns_name, *names)] if wanted else []
                entry = Entry(listener.arn, balancer.dns_name, tuple(made), names)
                found.setdefault(self._ports.known[listener.arn], []).append((since[listener.arn], entry))
        return [
            Opening(
                port, tuple(entry for _, entry in sorted(entries, key=lambda pair: (pair[0], pair[1].listener_arn)))
            )
            for port, entries in sorted(found.items())
        ]

    def _targets_of(self, listener: Listener) -> list[str]:
        arns = [arn for rule in listener.rules for arn in _forwards(rule.action)]
        return [backend.address for arn in arns if arn in self._pools for backend in self._pools[arn].backends]

    def _known(self, row: TargetRow, hosts: Mapping[str, str | None], *, doubtful: bool) -> Known:
        host = hosts.get(row.target_id, row.target_id)
        address = None if host is None else f"[{host}]:{row.port}" if ":" in host else f"{host}:{row.port}"
        real = self.real(address) if address is not None else None
        return Known(real, row.state, row.revision, row.simulated, row.healthy_since, row.drained, doubtful)

    def _revision_of(self, target_group_arn: str, target: str) -> str:
        pool = self._pools.get(target_group_arn) or self._fronts.pools.get(target_group_arn)
        return revision_of(str(self._folder), pool, target) if pool is not None else ""

    def _group(self, arn: str) -> TargetGroup | None:
        return next((scene.groups[arn] for scene in self._scenes.values() if arn in scene.groups), None)

    def _wake(self) -> None:
        self._wanted += 1
        self._loop.wake(_ALL)


def _preference(listener: Listener) -> tuple[bool, bool, int]:
    """The main port stands for port 80, else for the first listener without TLS, else for the first."""
    return (listener.port != 80, listener.protocol != "HTTP", listener.port)


def _forwards(action: Action) -> Iterable[str]:
    return [share.target_group_arn for share in action.shares if share.weight] if isinstance(action, Forward) else []
