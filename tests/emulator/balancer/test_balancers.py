"""The loop on a clock that stands: simulated targets, scripted health, draining, what services are told."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from emulator.autoscaling.minute_loop import MinuteLoop
from emulator.balancer.balancers import LoadBalancers
from emulator.balancer.health import Mismatch
from emulator.balancer.model import Forward, Scene, Share
from emulator.balancer.ports import Metric, Target, TargetGroupNotFoundError, TargetHealth, TargetKey
from emulator.balancer.proxy import Proxy
from emulator.balancer.traffic import Served
from emulator.context import Context
from emulator.emulator import Emulator
from tests.emulator.balancer.scenes import PREFIX, balancer, group, listener, rule
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane

WEB = group(attributes={"deregistration_delay.timeout_seconds": "60"})
KEYS = [TargetKey(f"10.0.0.{number}", 80) for number in (1, 2)]


@dataclass(slots=True)
class FixedPlane:
    """ELBv2 as a value."""

    there: Scene
    listed: dict[str, list[TargetKey]] = field(default_factory=dict)
    watchers: list[Callable[[str, str], None]] = field(default_factory=list)

    def places(self) -> list[tuple[str, str]]:
        return [(ACCOUNT, REGION)]

    def scene(self, account: str, region: str) -> Scene:
        del account, region
        return self.there

    def registered(self, account: str, region: str) -> Mapping[str, Sequence[TargetKey]]:
        del account, region
        return self.listed

    def forget_targets(self, account: str, region: str, target_group_arn: str, ids: Sequence[str]) -> None:
        del account, region
        self.listed[target_group_arn] = [key for key in self.listed.get(target_group_arn, []) if key.id not in ids]

    def set_weights(self, account: str, region: str, rule_arn: str, weights: Mapping[str, int]) -> None:
        del account, region
        raise NotImplementedError(rule_arn, weights)

    def watch(self, changed: Callable[[str, str], None]) -> None:
        self.watchers.append(changed)


@dataclass(slots=True)
class Kept:
    """CloudWatch as a list."""

    metrics: list[Metric] = field(default_factory=list)

    def put(self, account: str, region: str, namespace: str, at: object, metrics: Sequence[Metric]) -> None:
        del account, region, namespace, at
        self.metrics += metrics


@dataclass(slots=True)
class Playing:
    """Load balancers at work."""

    emulator: Emulator
    plane: FixedPlane
    balancers: LoadBalancers
    kept: Kept
    told: list[tuple[TargetKey, str]] = field(default_factory=list)

    async def advance(self, seconds: float) -> None:
        await self.emulator.clock.advance(timedelta(seconds=seconds), self.emulator.loops.settle)

    def do(self, act: Callable[[Context], Any]) -> Any:
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            return act(context)

    async def register(self, *keys: TargetKey, revision: str = "web:1", simulated: bool = True) -> None:
        targets = [Target(key, revision=revision, simulated=simulated) for key in keys]
        self.do(lambda context: self.balancers.register_targets(context, WEB.arn, targets))
        await self.emulator.loops.settle()

    async def deregister(self, *keys: TargetKey) -> None:
        self.do(lambda context: self.balancers.deregister_targets(context, WEB.arn, keys))
        await self.emulator.loops.settle()

    def health(self) -> Mapping[TargetKey, TargetHealth]:
        return cast(
            "Mapping[TargetKey, TargetHealth]", self.do(lambda context: self.balancers.target_health(context, WEB.arn))
        )

    def states(self) -> list[str]:
        return [health.state for health in self.health().values()]


@asynccontextmanager
async def playing(tmp_path: Path, *, used: bool = True, protocol: str = "UDP") -> AsyncIterator[Playing]:
    """A server with one load balancer; one of UDP, so that no process is started."""
    emulator = control_plane()
    rules = [rule(None, Forward((Share(WEB.arn),)))] if used else []
    scene = Scene((balancer(listener(*rules, protocol=protocol)),), {WEB.arn: WEB})
    plane, kept = FixedPlane(scene), Kept()
    balancers = LoadBalancers(emulator, plane, Proxy(emulator, tmp_path / "sockets"), kept)
    emulator.balancer = balancers
    MinuteLoop(emulator)
    found = Playing(emulator, plane, balancers, kept)

    def changed(context: Context, arn: str, key: TargetKey) -> None:
        health = balancers.target_health(context, arn).get(key)
        found.told.append((key, health.state if health is not None else "gone"))

    balancers.watch_health(changed)
    balancers.start()
    emulator.loops.start()
    try:
        await emulator.loops.settle()
        yield found
    finally:
        await emulator.loops.stop()
        await balancers.stop()
        emulator.store.close()


def run(coroutine: Any) -> None:
    import asyncio  # noqa: PLC0415

    asyncio.run(coroutine)


def test_simulated_targets_are_well_unless_told_otherwise(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path) as server:
            await server.register(*KEYS)
            assert server.states() == ["healthy", "healthy"]
            server.do(lambda context: server.balancers.script_health(context, WEB.arn, KEYS[0], Mismatch(500)))
            await server.emulator.loops.settle()
            assert server.states() == ["healthy", "healthy"]  # one failure is not enough
            await server.advance(10)
            assert server.health()[KEYS[0]].description == "Health checks failed with these codes: [500]"
            server.do(lambda context: server.balancers.script_health(context, WEB.arn, KEYS[0], None))
            await server.advance(30)  # checked at once and three times more
            assert server.states() == ["unhealthy", "healthy"]
            await server.advance(10)
            assert server.states() == ["healthy", "healthy"]
            assert [state for key, state in server.told if key == KEYS[0]] == [
                *("initial", "healthy", "unhealthy", "healthy")
            ]

    run(play())


def test_a_group_that_nobody_forwards_to_is_unused(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path, used=False) as server:
            await server.register(*KEYS)
            assert server.states() == ["unused", "unused"]
            assert server.health()[KEYS[0]].reason == "Target.NotInUse"
            await server.deregister(*KEYS)
            assert server.states() == []

    run(play())


def test_draining_lasts_for_the_delay_and_tells_when_nothing_is_under_way(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path) as server:
            await server.register(*KEYS)
            await server.deregister(KEYS[0])
            assert server.states() == ["draining", "healthy"]
            assert server.health()[KEYS[0]].drained
            await server.advance(59)
            assert server.states() == ["draining", "healthy"]
            await server.advance(1)
            assert server.states() == ["healthy"]
            assert server.told[-1] == (KEYS[0], "gone")
            await server.deregister(KEYS[0], TargetKey("10.9.9.9", 80))  # safe to repeat

    run(play())


def test_a_target_that_drains_can_come_back(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path) as server:
            await server.register(KEYS[0])
            await server.deregister(KEYS[0])
            await server.register(KEYS[0], revision="web:2")
            assert [(h.state, h.revision) for h in server.health().values()] == [("healthy", "web:2")]
            await server.advance(120)
            assert server.states() == ["healthy"]

    run(play())


def test_targets_of_auto_scaling_groups_are_followed(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path) as server:
            server.plane.listed[WEB.arn] = list(KEYS)
            for watcher in server.plane.watchers:
                watcher(ACCOUNT, REGION)
            await server.emulator.loops.settle()
            assert set(server.health()) == set(KEYS)
            server.plane.listed[WEB.arn] = [KEYS[1]]
            for watcher in server.plane.watchers:
                watcher(ACCOUNT, REGION)
            await server.emulator.loops.settle()
            assert server.health()[KEYS[0]].state == "draining"

    run(play())


def test_a_group_that_is_deleted_takes_its_targets_along(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path) as server:
            await server.register(*KEYS)
            server.plane.there = Scene()
            for watcher in server.plane.watchers:
                watcher(ACCOUNT, REGION)
            await server.emulator.loops.settle()
            assert server.states() == []
            with pytest.raises(TargetGroupNotFoundError):
                await server.register(KEYS[0])

    run(play())


def test_each_minute_is_told_once_and_counts_go_to_revisions(tmp_path: Path) -> None:
    async def play() -> None:
        async with playing(tmp_path) as server:
            await server.register(KEYS[0])
            arn = f"{PREFIX}listener/app/web/1/2"
            answered = Served(arn, WEB.arn, "10.0.0.1:80", 200, 0.25, answered=True)
            failed = Served(arn, WEB.arn, "10.0.0.1:80", 502, 0.0, answered=False)
            server.balancers.proxy.told.counter.add([answered, answered, failed])
            await server.advance(120)
            told = [(metric.name, tuple(metric.dimensions), list(metric.values)) for metric in server.kept.metrics]
            of_group = ("TargetGroup", "LoadBalancer")
            assert ("RequestCount", ("LoadBalancer",), [3]) in told
            assert ("RequestCount", of_group, [2]) in told
            assert ("HTTPCode_ELB_5XX_Count", ("LoadBalancer",), [1]) in told
            assert ("TargetResponseTime", of_group, [0.25, 0.25]) in told
            assert told.count(("HealthyHostCount", of_group, [1])) == 2
            assert [name for name, _, _ in told].count("RequestCount") == 2

    run(play())
