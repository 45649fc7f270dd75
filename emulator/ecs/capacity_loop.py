"""The loop `capacity`: a cluster's waiting tasks find hosts, and what was asked of a capacity provider is finished."""

from sqlalchemy import select

from emulator.ecs.capacity_providers import find_provider, finish_deletion
from emulator.ecs.cluster_capacity_providers import group_providers
from emulator.ecs.managed_draining import drain_leaving, latest_terminations
from emulator.ecs.managed_scaling import scale
from emulator.ecs.waiting_tasks import LONGEST, alike, land, waiting
from emulator.emulator import Emulator
from emulator.state.capacity import CapacityProviderRow
from emulator.state.ecs import ClusterRow

_CLUSTER = ":cluster/"


class CapacityLoop:
    """Keys are ARNs of clusters and of capacity providers."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        emulator.loops.add("capacity", self.handle)

    def start(self) -> None:
        """Wake what may not be at rest."""
        with self._emulator.store.begin() as session:
            providers = session.scalars(select(CapacityProviderRow).where(CapacityProviderRow.status == "ACTIVE")).all()
            clusters = session.scalars(select(ClusterRow).where(ClusterRow.status == "ACTIVE")).all()
            arns = [row.arn for row in providers] + [row.arn for row in clusters]
            self._emulator.loops.wake("capacity", *arns)
            timers = {
                *(
                    (cluster.arn, task.created_at + LONGEST)
                    for cluster in clusters
                    for task in waiting(session, cluster)
                ),
                *((row.arn, last) for row in providers for last in latest_terminations(row)),
            }
        for arn, at in timers:
            self._emulator.loops.wake_at("capacity", arn, at)

    async def handle(self, arns: list[str]) -> None:
        """Look at each."""
        for arn in arns:
            if _CLUSTER in arn:
                self._land(arn)
            else:
                self._tend(arn)

    def _land(self, cluster_arn: str) -> None:
        account, region = _place(cluster_arn)
        with self._emulator.transaction(account, region) as context:
            cluster = context.session.get(ClusterRow, cluster_arn)
            groups = [] if cluster is None else alike(waiting(context.session, cluster))
            for name in [] if cluster is None else group_providers(cluster.capacity_providers):
                row = find_provider(context, name)
                if row is not None and row.scaling.get("leaving"):  # its tasks may have gone
                    drain_leaving(context, row)
        for group in groups:  # each sees the hosts that the one before it left
            with self._emulator.transaction(account, region) as context:
                land(context, group)

    def _tend(self, provider_arn: str) -> None:
        with self._emulator.transaction(*_place(provider_arn)) as context:
            row = context.session.get(CapacityProviderRow, provider_arn)
            if row is None:
                return
            if row.update_status == "DELETE_IN_PROGRESS":
                finish_deletion(context, row)
            drain_leaving(context, row)
            if row.status == "ACTIVE":
                scale(context, row)


def _place(arn: str) -> tuple[str, str]:
    """Account and region."""
    parts = arn.split(":")
    return parts[4], parts[3]
