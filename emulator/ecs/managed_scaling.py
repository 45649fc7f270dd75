"""Managed scaling carried out: each minute of the clock the provider's hosts and waiting tasks are counted and the group resized.

`CapacityProviderRow.scaling` remembers, as ISO instants and counts: `evaluatedAt`, `scaledOutAt`, `lowMinutes`,
`reservation`, and of managed draining `leaving` (EC2 instance → since when).
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.capacity_providers import cluster_of
from emulator.ecs.waiting_tasks import waiting
from emulator.journal import Kind
from emulator.metrics.store import Point, series
from emulator.neighbours.capacity_ports import ScalingGroup
from emulator.state.capacity import CapacityProviderRow
from emulator.state.ecs import ClusterRow, ServiceRow
from scheduler.instance_types import find as find_type
from scheduler.model import Node
from scheduler.reconcile.managed_scaling import Bin, Decision, GroupView, Item, Settings, decide, hosts_for

MINUTE = timedelta(minutes=1)
_RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679})


def scale(context: Context, row: CapacityProviderRow) -> None:
    """One step a minute; the next one is asked for as long as the provider scales."""
    cluster = cluster_of(context, row)
    groups = context.emulator.groups
    if groups is None or cluster is None or row.provider["managedScaling"]["status"] != "ENABLED":
        return
    if not _due(context, row):
        return
    group = groups.group(row.account, row.region, row.group_name)
    if group is None:
        return
    hosts = hosts_of(context, cluster, row.name)
    busy = busy_hosts(context, cluster, hosts)
    found = decide(_view(context, row, cluster, group, len(hosts), len(busy)), _settings(row))
    row.scaling = {
        **row.scaling,
        "evaluatedAt": context.now.isoformat(),
        "lowMinutes": found.low_minutes,
        "reservation": found.reservation,
    }
    _publish(context, row, cluster, found.reservation)
    _protect(context, row, group, busy)
    if found.desired is not None:
        _resize(context, row, group, found)


def _due(context: Context, row: CapacityProviderRow) -> bool:
    """Whether a minute has passed; if not, the provider is looked at again when it has."""
    earlier = row.scaling.get("evaluatedAt")
    due = context.now if earlier is None else datetime.fromisoformat(earlier) + MINUTE
    ready = due <= context.now
    again, key = context.now + MINUTE if ready else due, row.arn
    context.after_commit(lambda: context.emulator.loops.wake_at("capacity", key, again))
    return ready


def hosts_of(context: Context, cluster: ClusterRow, provider: str) -> list[Node]:
    """The provider's hosts that take tasks."""
    fleet = context.emulator.fleets.of(context.session, cluster.arn)
    return [node for node in fleet.nodes() if node.capacity_provider == provider and node.status == "ACTIVE"]


def busy_hosts(context: Context, cluster: ClusterRow, hosts: list[Node]) -> list[Node]:
    """Those that run more than tasks of DAEMON services and of daemons."""
    its = ServiceRow.cluster_arn == cluster.arn, ServiceRow.scheduling_strategy == "DAEMON"
    daemons = {f"service:{name}" for name in context.session.scalars(select(ServiceRow.name).where(*its))}
    return [node for node in hosts if any(not (name in daemons or name.startswith("daemon:")) for name in node.groups)]


def _view(
    context: Context, row: CapacityProviderRow, cluster: ClusterRow, group: ScalingGroup, hosts: int, busy: int
) -> GroupView:
    scaled = row.scaling.get("scaledOutAt")
    items = [
        Item(
            task.demand["cpu"],
            task.demand["memory"],
            task.demand["needs_eni"],
            frozenset(task.demand["tcp_ports"]),
        )
        for task in waiting(context.session, cluster)
        if task.capacity_provider == row.name
    ]
    kind = find_type(group.instance_type)
    host = None if kind is None else Bin(kind.cpu, kind.memory, kind.enis - 1, _RESERVED_PORTS)
    most = row.provider["managedScaling"]["maximumScalingStepSize"]
    return GroupView(
        hosts=hosts,
        busy=busy,
        more=0 if host is None else hosts_for(items, host, most),
        desired=group.desired,
        minimum=group.minimum,
        maximum=group.maximum,
        low_minutes=row.scaling.get("lowMinutes", 0),
        since_scale_out=None if scaled is None else (context.now - datetime.fromisoformat(scaled)).total_seconds(),
    )


def _settings(row: CapacityProviderRow) -> Settings:
    given = row.provider["managedScaling"]
    return Settings(
        given["targetCapacity"],
        given["minimumScalingStepSize"],
        given["maximumScalingStepSize"],
        given["instanceWarmupPeriod"],
    )


def _publish(context: Context, row: CapacityProviderRow, cluster: ClusterRow, value: float) -> None:
    dimensions = {"ClusterName": cluster.name, "CapacityProviderName": row.name}
    metric = series("AWS/ECS/ManagedScaling", "CapacityProviderReservation", dimensions)
    context.emulator.metrics.publish(context, [Point(metric, context.now.replace(second=0, microsecond=0), value)])


def _protect(context: Context, row: CapacityProviderRow, group: ScalingGroup, busy: list[Node]) -> None:
    """Managed termination protection: instances that run tasks are protected from scale-in, empty ones are not."""
    groups = context.emulator.groups
    if groups is None or row.provider["managedTerminationProtection"] != "ENABLED":
        return
    wanted = {node.instance_id for node in busy}
    for protected in (True, False):
        wrong = [
            item.id for item in group.instances if item.protected is not protected and (item.id in wanted) is protected
        ]
        if wrong:
            groups.protect(row.account, row.region, row.group_name, wrong, protected=protected)


def _resize(context: Context, row: CapacityProviderRow, group: ScalingGroup, found: Decision) -> None:
    desired = found.desired if found.desired is not None else group.desired
    if desired > group.desired:
        row.scaling = {**row.scaling, "scaledOutAt": context.now.isoformat()}
    context.record(Kind.DECISION, row.arn, {"reasons": list(found.reasons), "desiredCapacity": desired})
    groups = context.emulator.groups
    if groups is not None:
        policy = f"ECSManagedAutoScalingPolicy-{row.policy_id}"
        context.after_commit(lambda: groups.resize_group(row.account, row.region, row.group_name, desired, policy))
