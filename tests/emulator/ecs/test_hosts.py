"""Hosts that are EC2 instances: what is decided, and a server that does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from emulator.clock import Clock
from emulator.ecs.clusters import create_cluster
from emulator.ecs.container_instances import describe_container_instances
from emulator.ecs.fleet import Fleets
from emulator.ecs.hosts import (
    Connect,
    Deregister,
    Disconnect,
    Host,
    HostsLoop,
    Register,
    add_first_hosts,
    add_hosts,
    plan,
)
from emulator.ecs.task_definitions import register_task_definition
from emulator.ecs.tasks import run_task
from emulator.ecs.user_data import AgentConfiguration
from emulator.emulator import Emulator
from emulator.ids import Ids
from emulator.journal import Journal, Kind
from emulator.loops import Loops
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.ports import Instance
from emulator.neighbours.world import MotoWorld
from emulator.runtime.simulated import SimulatedRuntime
from emulator.settings import Preset, Settings
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from emulator.state.journal import JournalRow
from emulator.state.store import Store

ACCOUNT, REGION = "000000000000", "eu-west-1"
USER_DATA = "#!/bin/sh\necho ECS_CLUSTER=one >> /etc/ecs/ecs.config"


def instance(state: str = "running", user_data: str = USER_DATA) -> Instance:
    return Instance("i-1", "t3.large", "eu-west-1a", state, "172.31.0.9", "vpc-1", "s-1", "ami-1", user_data, None)


def host(*, active: bool = True, connected: bool = True, instance_id: str = "i-1") -> Host:
    return Host("arn", instance_id, active, connected)


REGISTER = Register(instance(), AgentConfiguration("one"))


@pytest.mark.parametrize(
    ("instances", "hosts", "actions"),
    [
        ([instance()], [], [REGISTER]),
        ([instance("pending")], [], []),
        ([instance(user_data="")], [], []),
        ([instance("stopped")], [], []),
        ([instance("terminated")], [], []),
        ([instance()], [host()], []),
        ([instance()], [host(connected=False)], [Connect("arn")]),
        ([instance()], [host(active=False, connected=False)], []),
        ([instance("stopping")], [host()], [Disconnect("arn", "i-1")]),
        ([instance("stopped")], [host()], [Disconnect("arn", "i-1")]),
        ([instance("stopped")], [host(connected=False)], []),
        ([instance("shutting-down")], [host()], [Deregister("arn", "i-1")]),
        ([instance("terminated")], [host()], [Deregister("arn", "i-1")]),
        ([instance("terminated")], [host(connected=False)], []),
        ([instance("terminated")], [host(active=False, connected=False)], []),
        ([], [host()], [Deregister("arn", "i-1")]),
        ([], [host(connected=False)], []),
        ([instance()], [host(instance_id="i-2")], [REGISTER, Deregister("arn", "i-2")]),
    ],
)
def test_plan(instances: list[Instance], hosts: list[Host], actions: list[Any]) -> None:
    assert plan(instances, hosts) == actions


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Emulator]:
    clock = Clock(rate=0)
    store, ids = Store("sqlite://"), Ids(1)
    loops = Loops(clock, lambda _name, _keys, error: pytest.fail(str(error)))
    world = MotoWorld(clock, ACCOUNT, path / "neighbours.db")
    emulator = Emulator(
        settings=Settings(state_dir=path),
        clock=clock,
        ids=ids,
        store=store,
        journal=Journal(store),
        loops=loops,
        fleets=Fleets(store),
        runtime=SimulatedRuntime(clock),
        neighbours=MotoNeighbours(world),
        port=4566,
    )
    loops.add("services", _nothing)
    loops.add("capacity", _nothing)
    loops.add("minute", _nothing)
    loops.add("tasks", _nothing)
    hosts = HostsLoop(emulator)
    loops.start()
    hosts.start()
    try:
        yield emulator
    finally:
        await loops.stop()
        store.close()
        world.close()


async def _nothing(_keys: list[str]) -> None:
    """Services and tasks have their own tests."""


class Ec2:
    """EC2 as its API changes it, with what a request would set off."""

    def __init__(self, emulator: Emulator) -> None:
        assert isinstance(emulator.neighbours, MotoNeighbours)
        self._emulator, self._neighbours = emulator, emulator.neighbours
        self._moto = self._neighbours.world.backend("ec2", ACCOUNT, REGION)

    async def run(self, user_data: str, instance_type: str = "t3.large", tags: dict[str, str] | None = None) -> str:
        from moto.core.types import Base64EncodedString  # noqa: PLC0415 - imported once the world is open

        data = Base64EncodedString.from_raw_string(user_data)
        made = self._moto.run_instances(
            "ami-1",
            1,
            data,
            [],
            instance_type=instance_type,
            region_name=REGION,
            is_instance_type_default=False,
            tags={"instance": tags or {}},
        )
        await self.settle()
        found: str = made.instances[0].id
        return found

    async def change(self, verb: str, instance_id: str) -> None:
        getattr(self._moto, f"{verb}_instances")([instance_id])
        await self.settle()

    async def settle(self) -> None:
        self._neighbours.instances_changed(ACCOUNT, REGION)
        await self._emulator.loops.settle()


def hosts_of(emulator: Emulator) -> list[tuple[str, str, bool]]:
    with emulator.store.begin() as session:
        rows = session.scalars(select(ContainerInstanceRow).order_by(ContainerInstanceRow.registered_at))
        return [(row.ec2_instance_id, row.status, row.agent_connected) for row in rows]


def faults_of(emulator: Emulator) -> list[str]:
    with emulator.store.begin() as session:
        rows = session.scalars(select(JournalRow).where(JournalRow.kind == Kind.FAULT.value))
        return [row.detail["error"] for row in rows]


def run(path: Path, play: Any) -> None:
    """Play a scene on a running server."""
    import asyncio  # noqa: PLC0415 - only here

    async def scene() -> None:
        async with running(path) as emulator:
            await play(emulator)

    asyncio.run(scene())


def test_an_instance_becomes_a_host_stops_starts_and_goes(tmp_path: Path) -> None:
    async def play(emulator: Emulator) -> None:
        with emulator.transaction(ACCOUNT, REGION) as context:
            create_cluster(context, {"clusterName": "one"})
        ec2 = Ec2(emulator)
        made = await ec2.run(USER_DATA)
        assert hosts_of(emulator) == [(made, "ACTIVE", True)]
        await ec2.change("stop", made)
        assert hosts_of(emulator) == [(made, "ACTIVE", False)]
        await ec2.change("start", made)
        assert hosts_of(emulator) == [(made, "ACTIVE", True)]
        await ec2.change("terminate", made)
        assert hosts_of(emulator) == [(made, "INACTIVE", False)]

    run(tmp_path, play)


@pytest.mark.parametrize(("verb", "word"), [("stop", "stopped"), ("terminate", "terminated")])
def test_its_tasks_stop_with_aws_reasons(tmp_path: Path, verb: str, word: str) -> None:
    async def play(emulator: Emulator) -> None:
        ec2 = Ec2(emulator)
        made = await ec2.run("ECS_CLUSTER=default")
        with emulator.transaction(ACCOUNT, REGION) as context:
            container: Any = {"name": "c", "image": "busybox", "memory": 64}
            register_task_definition(context, {"family": "f", "containerDefinitions": [container]})
            assert run_task(context, {"taskDefinition": "f"})["failures"] == []
        await ec2.change(verb, made)
        with emulator.store.begin() as session:
            task = session.scalars(select(TaskRow)).one()
            assert (task.desired_status, task.stop_code) == ("STOPPED", "TerminationNotice")
            assert task.stopped_reason == f"Host EC2 (instance {made}) {word}."

    run(tmp_path, play)


def test_a_missing_cluster_is_told_once_and_found_later(tmp_path: Path) -> None:
    async def play(emulator: Emulator) -> None:
        ec2 = Ec2(emulator)
        made = await ec2.run(USER_DATA)
        await ec2.settle()
        assert hosts_of(emulator) == []
        assert faults_of(emulator) == ["The agent could not register: the cluster one does not exist"]
        with emulator.transaction(ACCOUNT, REGION) as context:
            create_cluster(context, {"clusterName": "one"})
        await emulator.clock.advance(timedelta(minutes=2), emulator.loops.settle)
        assert hosts_of(emulator) == [(made, "ACTIVE", True)]

    run(tmp_path, play)


def test_the_default_cluster_is_made_and_attributes_are_kept(tmp_path: Path) -> None:
    async def play(emulator: Emulator) -> None:
        await Ec2(emulator).run('ECS_CLUSTER=default\nECS_INSTANCE_ATTRIBUTES={"stack": "prod"}')
        with emulator.store.begin() as session:
            row = session.scalars(select(ContainerInstanceRow)).one()
            assert (row.attributes["stack"], row.origin, row.instance_type) == ("prod", "ec2", "t3.large")
            assert row.attributes["ecs.ami-id"] == "ami-1"
            assert str(row.attributes["ecs.subnet-id"]).startswith("subnet-")
            assert str(row.attributes["ecs.vpc-id"]).startswith("vpc-")

    run(tmp_path, play)


def test_an_agent_keeps_the_ports_that_it_is_told_and_its_host_has_its_tags(tmp_path: Path) -> None:
    tags = {"Name": "web", "team": "blue", "aws:autoscaling:groupName": "farm"}
    own = 'ECS_CLUSTER=default\nECS_CONTAINER_INSTANCE_TAGS={"team": "red"}'

    async def play(emulator: Emulator) -> None:
        ec2 = Ec2(emulator)
        told = await ec2.run(f"{own}\nECS_RESERVED_PORTS=[22,80]\nECS_RESERVED_PORTS_UDP=[53]", tags=tags)
        propagates = "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM=ec2_instance"
        plain = await ec2.run(f"{own}\n{propagates}\nECS_RESERVED_PORTS=80", tags=tags)
        with emulator.transaction(ACCOUNT, REGION) as context:
            asked: Any = {"containerInstances": [told, plain], "include": ["TAGS"]}
            first, second = describe_container_instances(context, asked)["containerInstances"]
        assert (ports_of(first, "PORTS"), ports_of(first, "PORTS_UDP")) == (["22", "80"], ["53"])
        assert ports_of(second, "PORTS") == ["22", "2375", "2376", "51678", "51679"]
        assert first["tags"] == [{"key": "team", "value": "red"}]
        assert second["tags"] == [{"key": "Name", "value": "web"}, {"key": "team", "value": "red"}]
        assert faults_of(emulator) == [
            "The agent leaves a setting out: ECS_RESERVED_PORTS is not a JSON array of ports: 80"
        ]

    run(tmp_path, play)


def ports_of(described: Any, name: str) -> list[str]:
    (found,) = [item["stringSetValue"] for item in described["registeredResources"] if item["name"] == name]
    return list(found)


def test_an_unknown_type_is_told(tmp_path: Path) -> None:
    async def play(emulator: Emulator) -> None:
        await Ec2(emulator).run("ECS_CLUSTER=default", "t1.micro")
        assert faults_of(emulator) == ["The agent could not register: Invalid instance type: t1.micro"]

    run(tmp_path, play)


def test_hosts_of_people(tmp_path: Path) -> None:
    async def play(emulator: Emulator) -> None:
        with emulator.transaction(ACCOUNT, REGION) as context:
            assert add_first_hosts(context) == []
            added = add_hosts(context, "default", "m5.large", ["eu-west-1b"], 2, {"stack": "prod"})
            assert [(row.zone, row.attributes["stack"]) for row in added] == [("eu-west-1b", "prod")] * 2

    run(tmp_path, play)


@pytest.mark.parametrize(
    ("settings", "zones"),
    [
        (Settings(preset=Preset.DEMO), ["eu-west-1a", "eu-west-1b", "eu-west-1c"] * 2),
        (Settings(hosts=3, azs=2, instance_type="m5.large"), ["eu-west-1a", "eu-west-1b", "eu-west-1a"]),
        (Settings(preset=Preset.DEMO, hosts=0), []),
    ],
)
def test_hosts_of_a_new_state(tmp_path: Path, settings: Settings, zones: list[str]) -> None:
    async def play(emulator: Emulator) -> None:
        emulator.settings = settings
        with emulator.transaction(ACCOUNT, REGION) as context:
            rows = add_first_hosts(context)
            assert [row.zone for row in rows] == zones
            assert {row.instance_type for row in rows} <= {settings.instance_type}

    run(tmp_path, play)
