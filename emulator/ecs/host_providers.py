"""Which capacity provider a host belongs to: that of its instance's Auto Scaling group, where the host's cluster has it."""

from collections.abc import Sequence

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.capacity_providers import providers_of
from emulator.ecs.daemon_wakes import wake_daemons
from emulator.journal import Kind
from emulator.neighbours.ports import Instance
from emulator.state.ecs import ClusterRow, ContainerInstanceRow


def provider_of(context: Context, cluster: ClusterRow, group: str | None) -> str | None:
    """The provider of a new host."""
    if group is None:
        return None
    names = (row.name for row in providers_of(context) if row.group_name == group)
    return next((name for name in names if name in cluster.capacity_providers), None)


def align_providers(context: Context, instances: Sequence[Instance]) -> None:
    """Hosts that were there before their provider, or before their cluster had it, belong to it, too."""
    groups = {instance.id: instance.auto_scaling_group for instance in instances if instance.auto_scaling_group}
    if not groups:
        return
    used = set(groups.values())
    context.wake("capacity", *(row.arn for row in providers_of(context) if row.group_name in used))
    rows = context.session.scalars(
        select(ContainerInstanceRow).where(
            ContainerInstanceRow.ec2_instance_id.in_(groups), ContainerInstanceRow.status != "INACTIVE"
        )
    )
    for row in rows:
        cluster = context.session.get_one(ClusterRow, row.cluster_arn)
        wanted = provider_of(context, cluster, groups[row.ec2_instance_id])
        if row.capacity_provider != wanted:
            row.capacity_provider = wanted
            row.version += 1
            context.record(Kind.STATE_CHANGE, row.arn, {"capacityProvider": wanted}, scope=row.cluster_arn)
            context.wake("capacity", row.cluster_arn)
            wake_daemons(context, row.cluster_arn)
