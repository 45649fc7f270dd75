"""Rows → scheduler values: one `Fleet` a cluster, a derived index that follows the rows.

It is built from the rows at first use. The ORM session's own events tell which hosts and tasks a transaction changed;
they are applied after its commit. Therefore hosts and tasks are changed through the ORM only, never by bulk statements.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from emulator.state.base import Base
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from emulator.state.store import Store, after_commit
from scheduler.fleet import Fleet
from scheduler.model import Demand, Node


class Fleets:
    """The fleets of all clusters."""

    def __init__(self, store: Store) -> None:
        self._fleets: dict[str, Fleet] = {}
        store.follow(self._changed)

    def of(self, session: Session, cluster_arn: str) -> Fleet:
        """The fleet of a cluster, as of the last commit."""
        fleet = self._fleets.get(cluster_arn)
        if fleet is None:
            fleet = self._fleets[cluster_arn] = Fleet()
            hosts = select(ContainerInstanceRow).where(ContainerInstanceRow.cluster_arn == cluster_arn)
            for host in session.scalars(hosts.where(ContainerInstanceRow.status != "INACTIVE")):
                fleet.put_node(node_of(host))
            tasks = select(TaskRow).where(TaskRow.cluster_arn == cluster_arn, TaskRow.last_status != "STOPPED")
            for task in session.scalars(tasks):
                _apply_task(fleet, task)
        return fleet

    def forget(self) -> None:
        """Forget everything (after a reset); fleets are built anew."""
        self._fleets.clear()

    def _changed(self, session: Session, rows: Sequence[Base]) -> None:
        for row in rows:
            if isinstance(row, ContainerInstanceRow | TaskRow):
                after_commit(session, lambda row=row: self._apply(row))  # type: ignore[misc]  # mypy: defaults of lambdas

    def _apply(self, row: ContainerInstanceRow | TaskRow) -> None:
        fleet = self._fleets.get(row.cluster_arn)
        if fleet is None:
            return
        if isinstance(row, TaskRow):
            _apply_task(fleet, row)
        elif row.status == "INACTIVE":
            fleet.remove_node(row.arn)
        else:
            fleet.put_node(node_of(row))


def _apply_task(fleet: Fleet, task: TaskRow) -> None:
    if task.container_instance_arn is None or task.last_status == "STOPPED":
        fleet.release(task.arn)
        return
    fleet.hold(
        task.arn,
        task.container_instance_arn,
        demand_from(task.demand),
        counts=task.desired_status == "RUNNING",
        running=task.last_status == "RUNNING",
    )


def node_of(row: ContainerInstanceRow) -> Node:
    """An empty host."""
    return Node(
        id=row.arn,
        instance_id=row.ec2_instance_id,
        attributes=row.attributes,
        cpu=row.cpu,
        memory=row.memory,
        remaining_cpu=row.cpu,
        remaining_memory=row.memory,
        registered_at=row.registered_at,
        status=row.status,
        agent_connected=row.agent_connected,
        agent_version=row.version_info.get("agentVersion", ""),
        tcp_ports=frozenset(row.reserved_tcp_ports),
        udp_ports=frozenset(row.reserved_udp_ports),
        gpus=len(row.gpus),
        enis=row.eni_slots,
        capacity_provider=row.capacity_provider,
    )


def demand_from(document: Mapping[str, Any]) -> Demand:
    """A demand as a task row keeps it."""
    zones = document.get("zones")
    return Demand(
        group=document["group"],
        cpu=document["cpu"],
        memory=document["memory"],
        tcp_ports=frozenset(document["tcp_ports"]),
        udp_ports=frozenset(document["udp_ports"]),
        gpus=document["gpus"],
        needs_eni=document["needs_eni"],
        required_attributes=frozenset(document["required_attributes"]),
        zones=None if zones is None else frozenset(zones),
        architecture=document.get("architecture"),
    )


def demand_document(demand: Demand) -> dict[str, Any]:
    """A demand in JSON's types."""
    return {
        "group": demand.group,
        "cpu": demand.cpu,
        "memory": demand.memory,
        "tcp_ports": sorted(demand.tcp_ports),
        "udp_ports": sorted(demand.udp_ports),
        "gpus": demand.gpus,
        "needs_eni": demand.needs_eni,
        "required_attributes": sorted(demand.required_attributes),
        "zones": None if demand.zones is None else sorted(demand.zones),
        "architecture": demand.architecture,
    }
