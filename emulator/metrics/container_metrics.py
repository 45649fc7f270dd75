"""CPU and memory of services and clusters as AWS/ECS publishes them (reference: ecs.md §7.10)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select

from emulator.context import Context
from emulator.ecs.demand import demand_of
from emulator.ecs.names import is_daemon
from emulator.ecs.task_specs import definition_at
from emulator.metrics.store import Point, series
from emulator.metrics.usage import NOTHING, Usage, scripted
from emulator.runtime.simulated import SimulatedRuntime
from emulator.state.ecs import ContainerInstanceRow, TaskRow

if TYPE_CHECKING:
    from scheduler.model import Demand

_NAMESPACE = "AWS/ECS"
_LEAST_CPU = 2
"""CPU units of a task that reserves none: what the kernel gives its container at least."""


@dataclass(frozen=True, slots=True)
class Load:
    """RUNNING tasks that are counted together."""

    cluster_arn: str
    service_arn: str | None
    on_hosts: bool
    reserved: Usage
    used: Usage | None
    """None where it could not be measured."""


def points(context: Context, at: datetime, measured: Mapping[str, Usage]) -> list[Point]:
    """The minute that began `at`, of the account and region; `measured` are real tasks."""
    loads = list(_loads(context, measured))
    return [*_of_services(loads, at), *_of_clusters(context, loads, at)]


def _loads(context: Context, measured: Mapping[str, Usage]) -> Iterator[Load]:
    runtime = context.emulator.runtime
    simulated = isinstance(runtime, SimulatedRuntime)
    columns: list[Any] = [TaskRow.cluster_arn, TaskRow.service_arn, TaskRow.task_definition_arn, TaskRow.launch_type]
    its = TaskRow.account == context.account, TaskRow.region == context.region, TaskRow.last_status == "RUNNING"
    if simulated:  # they are alike, however many there are
        rows = context.session.execute(select(*columns, func.count(), literal("")).where(*its).group_by(*columns))
    else:
        rows = context.session.execute(select(*columns, literal(1), TaskRow.arn).where(*its))
    demands: dict[str, Demand] = {}
    for cluster_arn, service_arn, definition_arn, launch_type, count, arn in map(tuple, rows):
        body = definition_at(context, definition_arn).body
        demand = demands.get(definition_arn) or demands.setdefault(definition_arn, demand_of(body, "", {}))
        reserved = Usage(max(demand.cpu, _LEAST_CPU) * count, demand.memory * count)
        used = measured.get(arn)
        if isinstance(runtime, SimulatedRuntime):
            one = scripted(runtime, body, max(demand.cpu, _LEAST_CPU), demand.memory)
            used = Usage(one.cpu * count, one.memory * count)
        yield Load(cluster_arn, service_arn, launch_type != "FARGATE", reserved, used)


def _of_services(loads: list[Load], at: datetime) -> Iterator[Point]:
    used: defaultdict[str, Usage] = defaultdict(lambda: NOTHING)
    reserved: defaultdict[str, Usage] = defaultdict(lambda: NOTHING)
    for load in loads:
        if load.service_arn is not None and not is_daemon(load.service_arn) and load.used is not None:
            used[load.service_arn] += load.used
            reserved[load.service_arn] += load.reserved
    for arn, usage in used.items():
        cluster, name = arn.split("/")[-2:]
        dimensions = {"ClusterName": cluster, "ServiceName": name}
        yield from _two(dimensions, "Utilization", usage, reserved[arn], at)


def _of_clusters(context: Context, loads: list[Load], at: datetime) -> Iterator[Point]:
    """Of what the hosts register; clusters without hosts have none."""
    hosts = context.session.execute(
        select(
            ContainerInstanceRow.cluster_arn, func.sum(ContainerInstanceRow.cpu), func.sum(ContainerInstanceRow.memory)
        )
        .where(
            ContainerInstanceRow.account == context.account,
            ContainerInstanceRow.region == context.region,
            ContainerInstanceRow.status != "INACTIVE",
        )
        .group_by(ContainerInstanceRow.cluster_arn)
    )
    for arn, cpu, memory in hosts:
        registered = Usage(cpu, memory)
        its = [load for load in loads if load.on_hosts and load.cluster_arn == arn]
        dimensions = {"ClusterName": arn.rpartition("/")[2]}
        yield from _two(dimensions, "Reservation", sum((load.reserved for load in its), NOTHING), registered, at)
        if all(load.used is not None for load in its):
            whole = sum((load.used for load in its if load.used is not None), NOTHING)
            yield from _two(dimensions, "Utilization", whole, registered, at)


def _two(dimensions: dict[str, str], what: str, part: Usage, whole: Usage, at: datetime) -> Iterator[Point]:
    for name, mine, all_ in (("CPU", part.cpu, whole.cpu), ("Memory", part.memory, whole.memory)):
        if all_:
            yield Point(series(_NAMESPACE, f"{name}{what}", dimensions), at, 100 * mine / all_)
