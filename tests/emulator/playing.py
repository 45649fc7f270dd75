"""Builds servers that carry tasks out: real rows, loops, agent and simulated runtime, on a clock that moves when told."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from emulator.context import Context
from emulator.ecs.agent import Agent
from emulator.ecs.clusters import ensure_default_cluster
from emulator.ecs.task_definitions import register_task_definition
from emulator.ecs.tasks import describe_tasks, run_task, stop_task
from emulator.emulator import Emulator
from emulator.neighbours.ports import (
    BusEvent,
    Instance,
    LogEvent,
    LogGroupNotFoundError,
    MetricAlarm,
    RoleCredentials,
    Subnet,
    SubnetNotFoundError,
)
from emulator.runtime.ports import ContainerRuntime
from emulator.runtime.simulated import Script, SimulatedRuntime
from emulator.runtime.specs import RegistryCredentials
from emulator.state.ecs import TaskRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, add_hosts, container, control_plane

T = TypeVar("T")
SUBNETS = ("subnet-a", "subnet-b")


@dataclass(slots=True)
class FixedNeighbours:
    """Two subnets and some log groups: moto answers the same, a second later."""

    groups: set[str] = field(default_factory=set)
    streams: dict[tuple[str, str], list[LogEvent]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=lambda: set(SUBNETS))
    watched: dict[str, MetricAlarm] = field(default_factory=dict)
    watchers: list[Callable[[str, str], None]] = field(default_factory=list)
    spaces: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def subnets(self, account: str, region: str, subnet_ids: Sequence[str]) -> list[Subnet]:
        del account
        for subnet_id in subnet_ids:
            if subnet_id not in self.known:
                raise SubnetNotFoundError(subnet_id)
        return [Subnet(name, "vpc-1", f"{region}{name[-1]}", "10.0.1.0/24", "10.0.0.0/16") for name in subnet_ids]

    def default_subnets(self, account: str, region: str) -> list[Subnet]:
        return self.subnets(account, region, sorted(self.known))

    def zones(self, region: str) -> list[str]:
        return [f"{region}{letter}" for letter in "abc"]

    def instances(self, account: str, region: str) -> list[Instance]:
        del account, region
        return []

    def instance(self, account: str, region: str, instance_id: str) -> Instance | None:
        del account, region, instance_id
        return None

    def instance_places(self) -> list[tuple[str, str]]:
        return []

    def keep(self) -> None:
        """It is all in memory."""

    def watch_instances(self, changed: Callable[[str, str], None]) -> None:
        """There are none."""

    def watch_alarms(self, changed: Callable[[str, str], None]) -> None:
        self.watchers.append(changed)

    def put_alarm(self, account: str, region: str, alarm: MetricAlarm) -> None:
        """An alarm, or another state of one."""
        self.watched[alarm.name] = alarm
        for watcher in self.watchers:
            watcher(account, region)

    def watch_queues(self, changed: Callable[[], None]) -> None:
        """There are none."""

    def queues_changed(self) -> None:
        """As above."""

    def parameter(self, account: str, region: str, name: str) -> str | None:
        del account, region
        return self.secrets.get(name)

    def secret(self, account: str, region: str, secret_id: str, stage: str, version: str) -> str | None:
        del account, region
        return self.secrets.get(":".join(filter(None, [secret_id, stage, version])))

    def assume_role(self, account: str, region: str, role_arn: str, session_name: str) -> RoleCredentials:
        del region, role_arn
        return RoleCredentials(account, "secret", session_name)

    def create_log_stream(
        self, account: str, region: str, group: str, stream: str | None, *, create_group: bool
    ) -> None:
        del account, region
        if create_group:
            self.groups.add(group)
        if group not in self.groups:
            raise LogGroupNotFoundError(group)
        if stream is not None:
            self.streams.setdefault((group, stream), [])

    def put_log_events(self, account: str, region: str, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        del account, region
        self.streams[group, stream].extend(events)

    def last_log_event(self, account: str, region: str, group: str, stream: str) -> datetime | None:
        del account, region
        return max((event.at for event in self.streams.get((group, stream), [])), default=None)

    def namespaces(self, account: str, region: str) -> dict[str, str]:
        del account, region
        return self.spaces

    def object_bytes(self, account: str, bucket: str, key: str, version: str | None) -> bytes | None:
        del account, version
        return self.objects.get((bucket, key))

    def alarms(self, account: str, region: str, names: Sequence[str]) -> list[MetricAlarm]:
        del account, region
        return [self.watched[name] for name in names if name in self.watched]

    def put_events(self, events: Sequence[BusEvent]) -> None:
        del events


@dataclass(slots=True)
class Playing:
    """A server whose tasks are played."""

    emulator: Emulator
    agent: Agent
    runtime: SimulatedRuntime
    neighbours: FixedNeighbours

    async def settle(self) -> None:
        """Let everything that is due now happen."""
        await self.emulator.loops.settle()

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await self.emulator.clock.advance(timedelta(seconds=seconds), self.settle)

    def do(self, operation: Callable[[Context, Any], T], **request: Any) -> T:
        """Call an operation in a transaction of its own."""
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            return operation(context, request)

    def define(self, *containers: dict[str, Any], **members: Any) -> str:
        """Register a task definition; its ARN."""
        definitions = [container(**item) for item in containers] or [container()]
        request = {"family": "web", "containerDefinitions": definitions, **members}
        return str(self.do(cast("Any", register_task_definition), **request)["taskDefinition"]["taskDefinitionArn"])

    async def run(self, **request: Any) -> str:
        """Run a task and let everything happen that is due now; its ARN."""
        result = self.do(run_task, **{"taskDefinition": "web", **request})
        assert not result["failures"], result
        await self.settle()
        return str(result["tasks"][0]["taskArn"])

    async def stop(self, arn: str, **request: Any) -> None:
        """Stop a task and let everything happen that is due now."""
        self.do(stop_task, task=arn, **request)
        await self.settle()

    def task(self, arn: str) -> Any:
        """The task as DescribeTasks shows it."""
        (found,) = self.do(describe_tasks, tasks=[arn], include=["TAGS"])["tasks"]
        return found

    def row(self, arn: str) -> TaskRow | None:
        """The task's row."""
        with self.emulator.store.begin() as session:
            return session.get(TaskRow, arn)


def no_credentials(account: str, region: str, image: str, principal: str | None) -> RegistryCredentials | None:
    """No image is in our own registry."""
    del account, region, image, principal
    return None


@asynccontextmanager
async def playing(
    *, hosts: int = 2, scripts: dict[str, Script] | None = None, runtime: ContainerRuntime | None = None
) -> AsyncIterator[Playing]:
    """A server with `hosts` hosts in the cluster `default`, its agent at work."""
    emulator = control_plane()
    neighbours = emulator.neighbours = FixedNeighbours()
    simulated = SimulatedRuntime(emulator.clock)
    for pattern, script in (scripts or {}).items():
        simulated.script(pattern, script)
    emulator.runtime = runtime or simulated
    with emulator.transaction(ACCOUNT, REGION) as context:
        ensure_default_cluster(context)
    add_hosts(emulator, hosts)
    agent = Agent(emulator, no_credentials)
    await agent.start()
    emulator.loops.start()
    try:
        yield Playing(emulator, agent, simulated, neighbours)
    finally:
        await emulator.loops.stop()
        await agent.stop()
        emulator.store.close()
