"""Builds servers whose ECS is asked through its operations: real rows, fleets and ids, loops that rest, a clock that stands."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import emulator.state.tables  # noqa: F401 - declares every table
from emulator.clock import Clock
from emulator.context import Context
from emulator.ecs.clusters import ensure_default_cluster
from emulator.ecs.container_instances import HostSpec, add_host
from emulator.ecs.fleet import Fleets
from emulator.emulator import Emulator
from emulator.ids import Ids
from emulator.journal import Journal
from emulator.loops import Loops
from emulator.runtime.simulated import SimulatedRuntime
from emulator.settings import Settings
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from emulator.state.store import Store

ACCOUNT, REGION = "111122223333", "eu-west-1"
START = datetime(2026, 1, 1, tzinfo=UTC)
PREFIX = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"


class UnusedPart:
    """Stands where the control plane never looks: the neighbours."""


def control_plane() -> Emulator:
    """A server in memory."""
    store = Store("sqlite://")
    clock = Clock(0, START)
    loops = Loops(clock, lambda _name, _keys, _error: None)
    for name in ("tasks", "services", "hosts", "capacity", "minute", "daemons"):
        loops.add(name, _rest)
    return Emulator(
        settings=Settings(state_dir=Path("unused")),
        clock=clock,
        ids=Ids(1),
        store=store,
        journal=Journal(store),
        loops=loops,
        fleets=Fleets(store),
        runtime=SimulatedRuntime(clock),
        neighbours=cast("Any", UnusedPart()),
        port=4566,
    )


async def _rest(_keys: list[str]) -> None:
    """Loops are not run in these tests; they only take keys."""


def add_hosts(server: Emulator, count: int = 1, **members: Any) -> list[str]:
    """Hosts in the cluster `default`, committed; their ARNs."""
    spec = HostSpec(**{"instance_type": "m5.large", "zone": f"{REGION}a", "origin": "hosts", **members})
    with server.transaction(ACCOUNT, REGION) as context:
        cluster = ensure_default_cluster(context)
        return [add_host(context, cluster, spec).arn for _ in range(count)]


def add_task(context: Context, host_arn: str, **members: Any) -> TaskRow:
    """A task that holds 512 units, 256 MiB and port 8080 on a host."""
    host = context.session.get_one(ContainerInstanceRow, host_arn)
    task_id = context.emulator.ids.hex32()
    values: dict[str, Any] = {
        column.name: None for column in TaskRow.__table__.columns
    } | {
        "arn": f"{PREFIX}task/default/{task_id}", "id": task_id, "account": ACCOUNT, "region": REGION,
        "cluster_arn": host.cluster_arn, "container_instance_arn": host.arn, "group": "family:web", "family": "web",
        "task_definition_arn": f"{PREFIX}task-definition/web:1", "launch_type": "EC2", "network_mode": "bridge",
        "cpu": "512", "memory": "256", "zone": host.zone, "overrides": {}, "containers": [], "attachments": [],
        "attributes": [], "tags": [], "enable_execute_command": False, "last_status": "RUNNING",
        "desired_status": "RUNNING", "health_status": "UNKNOWN", "version": 1, "created_at": context.now,
        "demand": {
            "group": "family:web", "cpu": 512, "memory": 256, "tcp_ports": [8080], "udp_ports": [], "gpus": 0,
            "needs_eni": False, "required_attributes": [], "zones": None, "architecture": None,
        },
    }  # fmt: skip
    task = TaskRow(**{**values, **members})
    context.session.add(task)
    context.session.flush()
    return task


def container(**members: Any) -> Any:
    """A container definition that every rule accepts."""
    return {"name": "app", "image": "busybox", "memory": 64, **members}


def definition(**members: Any) -> Any:
    """A RegisterTaskDefinition request that every rule accepts."""
    return {"family": "web", "containerDefinitions": [container()], **members}


def fargate_definition(app: Mapping[str, Any] | None = None, **members: Any) -> Any:
    """A RegisterTaskDefinition request that every rule of Fargate's accepts."""
    return {
        **definition(networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512"),
        "containerDefinitions": [container(**(app or {}))],
        **members,
    }
