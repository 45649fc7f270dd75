"""What only the simulated runtime does: scripts on the clock, many tasks for little, what it is told after a restart."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from emulator.clock import Clock
from emulator.runtime.faults import ContainerNetworkingError
from emulator.runtime.ports import ObservedContainer, PortBinding
from emulator.runtime.simulated import Restored, Script, SimulatedRuntime
from emulator.runtime.specs import ContainerSpec, PortMapping
from tests.emulator.ecs.control_plane import START
from tests.emulator.runtime.stages import Witness, task

WEB = ContainerSpec("web", "web:1")


async def start(
    runtime: SimulatedRuntime, container: ContainerSpec = WEB, **members: object
) -> tuple[PortBinding, ...]:
    """Start a container of a new task; its ports."""
    image = await runtime.pull(container.image, None)
    return (await runtime.run(task(**members), container, image)).bindings


def test_ten_thousand_containers_cost_no_task_each() -> None:
    async def play() -> None:
        runtime = SimulatedRuntime(Clock(0, START))
        await asyncio.gather(*(start(runtime) for _ in range(10_000)))
        assert len(asyncio.all_tasks()) == 1
        found = await runtime.observe()
        for container in found:
            await runtime.remove(container.task_arn)
        assert (len(found), await runtime.observe()) == (10_000, [])

    asyncio.run(play())


def test_the_newest_script_that_matches_holds() -> None:
    async def play() -> None:
        runtime = SimulatedRuntime(Clock(0, START))
        runtime.script("web:*", Script(stop=60))
        runtime.script("web:1", Script())
        of = task()
        await runtime.run(of, WEB, await runtime.pull(WEB.image, None))
        await asyncio.wait_for(runtime.stop(of.arn, "web", 30), 1)
        assert [container.exit_code for container in await runtime.observe()] == [143]

    asyncio.run(play())


def test_ports_by_network_mode_and_protocol() -> None:
    async def play() -> None:
        runtime = SimulatedRuntime(Clock(0, START))
        container = replace(WEB, ports=(PortMapping(53, 0, "udp"), PortMapping(80, 8080)))
        bridge = await start(runtime, container)
        assert [(b.container_port, b.host_port, b.protocol) for b in bridge] == [(53, 32768, "udp"), (80, 8080, "tcp")]
        host = await start(runtime, container, network_mode="host")
        assert [(b.container_port, b.host_port) for b in host] == [(53, 53), (80, 8080)]
        assert await start(runtime, container, network_mode="awsvpc") == ()

    asyncio.run(play())


def test_after_a_restart_dynamic_ports_go_on_where_they_were() -> None:
    async def play() -> None:
        runtime = SimulatedRuntime(Clock(0, START))
        known = (PortBinding("0.0.0.0", 80, 40000, "tcp"),)
        container = ObservedContainer("arn", "web", "id", True, None, False, "UNKNOWN", START, None, known)
        runtime.restore([Restored("arn", ((container, WEB),))])
        (binding,) = await start(runtime, replace(WEB, ports=(PortMapping(80, 0),)))
        assert binding.host_port == 40001
        await runtime.stop("arn", "web", 30)
        assert {c.runtime_id: c.exit_code for c in await runtime.observe() if not c.running} == {"id": 143}

    asyncio.run(play())


def test_addresses_are_the_vpcs_and_run_out() -> None:
    async def play() -> None:
        runtime = SimulatedRuntime(Clock(0, START))
        of = task(network_mode="awsvpc", vpc_cidr="10.9.0.0/28")
        assert await runtime.provision(of) == await runtime.provision(of)
        others = [await runtime.provision(task(network_mode="awsvpc", vpc_cidr="10.9.0.0/28")) for _ in range(10)]
        addresses = {network.private_ip for network in others}
        assert len(addresses) == 10
        assert addresses <= {f"10.9.0.{last}" for last in range(4, 15)}
        with pytest.raises(ContainerNetworkingError):
            await runtime.provision(task(network_mode="awsvpc", vpc_cidr="10.9.0.0/28"))
        await runtime.remove(of.arn)
        await runtime.provision(task(network_mode="awsvpc", vpc_cidr="10.9.0.0/28"))

    asyncio.run(play())


def test_equal_ranges_of_two_vpcs_are_two_networks() -> None:
    async def play() -> None:
        runtime = SimulatedRuntime(Clock(0, START))
        members = {"network_mode": "awsvpc", "vpc_cidr": "10.9.0.0/16", "subnet_cidr": "10.9.7.0/28"}
        for vpc in ("vpc-1", "vpc-2"):
            made = [await runtime.provision(task(vpc_id=vpc, **members)) for _ in range(11)]
            assert {network.private_ip for network in made} == {f"10.9.7.{last}" for last in range(4, 15)}

    asyncio.run(play())


def restored(spec: ContainerSpec, started: datetime, *, scripts: dict[str, Script]) -> tuple[Clock, SimulatedRuntime]:
    """A runtime that finds a container which was started some time ago."""
    clock = Clock(0, START)
    runtime = SimulatedRuntime(clock)
    for pattern, script in scripts.items():
        runtime.script(pattern, script)
    container = ObservedContainer("arn", "web", "id", True, None, False, "UNKNOWN", started, None, ())
    runtime.restore([Restored("arn", ((container, spec),), ("vpc-1", "10.0.0.4"))])
    return clock, runtime


@pytest.mark.parametrize("ago", [0, 20, 90])
def test_after_a_restart_a_script_goes_on_from_where_it_began(ago: float) -> None:
    async def play() -> None:
        witness = Witness()
        began = START - timedelta(seconds=ago)
        clock, runtime = restored(WEB, began, scripts={"web:*": Script(runs_for=60, exit_code=9)})
        await runtime.open(witness)
        await clock.advance(timedelta(seconds=60), nothing)
        exited = await witness.exit_of("web")
        assert (exited.exit_code, exited.finished_at) == (9, began + timedelta(seconds=60))
        await runtime.close()

    asyncio.run(play())


def test_after_a_restart_addresses_are_still_taken() -> None:
    async def play() -> None:
        _, runtime = restored(WEB, START, scripts={})
        members = {"network_mode": "awsvpc", "vpc_id": "vpc-1", "subnet_cidr": "10.0.0.0/29"}
        others = [(await runtime.provision(task(**members))).private_ip for _ in range(2)]
        assert sorted(others) == ["10.0.0.5", "10.0.0.6"]

    asyncio.run(play())


async def nothing() -> None:
    """A few turns of the event loop, in which timers that are due do their work."""
    for _ in range(5):
        await asyncio.sleep(0)
