"""Managed draining: an instance that its Auto Scaling group gives up is DRAINING until its tasks have gone, then terminated.

ECS puts a termination hook on the group; while an instance waits in it (`Terminating:Wait`) services move their tasks.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.capacity_providers import cluster_of
from emulator.ecs.container_instances import drain_host
from emulator.state.capacity import CapacityProviderRow
from emulator.state.ecs import ClusterRow, ContainerInstanceRow, ServiceRow, TaskRow

_LONGEST = timedelta(hours=48)
_LEAVING = "Terminating"


def drain_leaving(context: Context, row: CapacityProviderRow) -> None:
    """Drain the hosts of instances that leave, and let go those that are empty or have waited for too long."""
    groups = context.emulator.groups
    if groups is None:
        return
    cluster = cluster_of(context, row)
    wanted = row.status == "ACTIVE" and cluster is not None and row.provider["managedDraining"] == "ENABLED"
    groups.hook_terminations(row.account, row.region, row.group_name, wanted=wanted)
    group = groups.group(row.account, row.region, row.group_name)
    leaving = [item.id for item in group.instances if item.state.startswith(_LEAVING)] if group is not None else []
    before = row.scaling.get("leaving", {})
    if not leaving and not before:
        return
    since = {name: before.get(name, context.now.isoformat()) for name in leaving}
    row.scaling = {**row.scaling, "leaving": since}
    gone = [name for name in leaving if not wanted or _may_go(context, cluster, name, since[name])]
    if gone:
        context.after_commit(lambda: groups.terminate(row.account, row.region, row.group_name, gone))
    for name in since.keys() - before.keys():
        due, key = datetime.fromisoformat(since[name]) + _LONGEST, row.arn
        context.after_commit(lambda due=due, key=key: context.emulator.loops.wake_at("capacity", key, due))  # type: ignore[misc]  # mypy: defaults of lambdas


def latest_terminations(row: CapacityProviderRow) -> list[datetime]:
    """When the instances that leave go at the latest."""
    return [datetime.fromisoformat(since) + _LONGEST for since in row.scaling.get("leaving", {}).values()]


def _may_go(context: Context, cluster: ClusterRow | None, instance_id: str, since: str) -> bool:
    host = context.session.scalar(
        select(ContainerInstanceRow).where(
            ContainerInstanceRow.ec2_instance_id == instance_id, ContainerInstanceRow.status != "INACTIVE"
        )
    )
    if host is None or cluster is None or host.cluster_arn != cluster.arn:
        return True
    drain_host(context, host)
    return datetime.fromisoformat(since) + _LONGEST <= context.now or not _tasks_on(context, host)


def _tasks_on(context: Context, host: ContainerInstanceRow) -> int:
    """Its tasks that are not STOPPED; those of DAEMON services and of daemons do not hold it up."""
    daemons = select(ServiceRow.arn).where(
        ServiceRow.cluster_arn == host.cluster_arn, ServiceRow.scheduling_strategy == "DAEMON"
    )
    count = select(func.count()).where(
        TaskRow.container_instance_arn == host.arn,
        TaskRow.last_status != "STOPPED",
        TaskRow.service_arn.is_(None) | TaskRow.service_arn.not_in(daemons),
        ~TaskRow.group.startswith("daemon:"),
    )
    return context.session.scalar(count) or 0
