"""Rows → counts: one `Tally` a service, a derived index that follows the rows as the fleets do (`fleet.py`).

It is built from the rows at first use, and kept once that transaction is committed. What a transaction itself has changed
is not in the index before its commit, so it counts anew.
"""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from emulator.state.base import Base
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from emulator.state.store import Store, after_commit
from scheduler.reconcile.tally import Standing, Tally

_CHANGED = "ashore.tallies_changed"


class ServiceTallies:
    """The tallies of all services, and which hosts drain."""

    def __init__(self, store: Store) -> None:
        self._tallies: dict[str, Tally] = {}
        self._draining: dict[str, set[str]] = {}
        store.follow(self._follow)

    def of(self, session: Session, service_arn: str) -> Tally:
        """The tasks of a service that are not STOPPED; not to be changed by the caller."""
        session.flush()
        known = self._tallies.get(service_arn)
        if known is not None and service_arn not in _changed(session):
            return known
        tally = _read(session, service_arn)
        after_commit(session, lambda: self._tallies.setdefault(service_arn, tally))
        return tally

    def draining(self, session: Session, cluster_arn: str) -> set[str]:
        """The hosts of a cluster that are DRAINING; not to be changed by the caller."""
        session.flush()
        known = self._draining.get(cluster_arn)
        if known is not None and cluster_arn not in _changed(session):
            return known
        hosts = select(ContainerInstanceRow.arn).where(
            ContainerInstanceRow.cluster_arn == cluster_arn, ContainerInstanceRow.status == "DRAINING"
        )
        found = set(session.scalars(hosts))
        after_commit(session, lambda: self._draining.setdefault(cluster_arn, found))
        return found

    def forget(self) -> None:
        """Forget everything (after a reset)."""
        self._tallies.clear()
        self._draining.clear()

    def _follow(self, session: Session, rows: Sequence[Base]) -> None:
        for row in rows:
            if isinstance(row, TaskRow) and row.service_arn is not None:
                _changed(session).add(row.service_arn)
                after_commit(session, lambda row=row: self._count(row))  # type: ignore[misc]  # mypy: defaults of lambdas
            elif isinstance(row, ContainerInstanceRow):
                _changed(session).add(row.cluster_arn)
                after_commit(session, lambda row=row: self._note(row))  # type: ignore[misc]

    def _count(self, row: TaskRow) -> None:
        tally = self._tallies.get(row.service_arn or "")
        if tally is not None:
            _put(tally, row)

    def _note(self, row: ContainerInstanceRow) -> None:
        hosts = self._draining.get(row.cluster_arn)
        if hosts is None:
            return
        if row.status == "DRAINING" and inspect(row).persistent:
            hosts.add(row.arn)
        else:
            hosts.discard(row.arn)


def _read(session: Session, service_arn: str) -> Tally:
    tally = Tally()
    columns = (
        TaskRow.arn,
        TaskRow.deployment_id,
        TaskRow.last_status,
        TaskRow.desired_status == "RUNNING",
        TaskRow.health_status,
        TaskRow.protected_until.is_not(None),
        TaskRow.zone,
        TaskRow.container_instance_arn,
    )
    living = select(*columns).where(TaskRow.service_arn == service_arn, TaskRow.last_status != "STOPPED")
    for arn, deployment, status, wanted, health, protected, zone, host in session.execute(living):
        tally.put(arn, Standing(deployment, status, wanted, health, protected, zone), host)
    return tally


def _put(tally: Tally, row: TaskRow) -> None:
    if row.last_status == "STOPPED" or not inspect(row).persistent:
        tally.drop(row.arn)
        return
    standing = Standing(
        deployment=row.deployment_id,
        status=row.last_status,
        wanted=row.desired_status == "RUNNING",
        health=row.health_status,
        protected=row.protected_until is not None,
        zone=row.zone,
    )
    tally.put(row.arn, standing, row.container_instance_arn)


def _changed(session: Session) -> set[str]:
    """The services and clusters that this transaction has changed tasks or hosts of."""
    return cast("set[str]", session.info.setdefault(_CHANGED, set()))
