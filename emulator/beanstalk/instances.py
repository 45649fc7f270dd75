"""The instances of an environment: rows kept in step with its Auto Scaling groups; each is a host of its cluster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from emulator.beanstalk.application_cluster import cluster_of, ecs_context
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.serving import deregister_everywhere
from emulator.context import Context
from emulator.ecs.container_instances import HostSpec, add_host, deregister_host
from emulator.ecs.names import STARTED_BY_ENVIRONMENT
from emulator.ecs.task_states import StopCode
from emulator.journal import Kind
from emulator.neighbours.environment_ports import GroupState
from emulator.neighbours.ports import Instance
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from scheduler.beanstalk.model import Command, Fleet

ORIGIN = "beanstalk"
"""Of hosts that are an environment's instances: the loop `hosts` leaves them alone."""


@dataclass(frozen=True, slots=True)
class Groups:
    """An environment's Auto Scaling groups as they are now."""

    permanent: GroupState | None
    temporary: GroupState | None

    def members(self) -> Iterable[tuple[str, Fleet, GroupState]]:
        """Instance id, fleet and group, those of the permanent group first."""
        for fleet, group in ((Fleet.PERMANENT, self.permanent), (Fleet.TEMPORARY, self.temporary)):
            if group is not None:
                for instance_id in group.instance_ids:
                    yield instance_id, fleet, group


def living(context: Context, environment_id: str) -> list[BeanstalkInstanceRow]:
    """Those that are not terminated, the oldest first."""
    query = select(BeanstalkInstanceRow).where(
        BeanstalkInstanceRow.environment_id == environment_id, BeanstalkInstanceRow.terminated_at.is_(None)
    )
    return list(context.session.scalars(query.order_by(BeanstalkInstanceRow.launched_at, BeanstalkInstanceRow.id)))


def is_occupied(context: Context, environment_id: str) -> bool:
    """Whether instances of an environment are there, or their tasks have not stopped yet."""
    if living(context, environment_id):
        return True
    begins = f"{STARTED_BY_ENVIRONMENT}{environment_id}/"
    query = select(TaskRow.arn).where(TaskRow.started_by.startswith(begins), TaskRow.last_status != "STOPPED")
    return context.session.scalar(query.limit(1)) is not None


def follow(context: Context, row: EnvironmentRow, groups: Groups, known: Mapping[str, Instance]) -> None:
    """Add what the groups have launched, end what they have terminated, note what has moved to another group.

    What a group takes out of service (scaling in) leaves the load balancer, and is ended once it has drained.
    """
    rows = {item.id: item for item in living(context, row.id)}
    seen = set[str]()
    for instance_id, fleet, group in groups.members():
        instance = known.get(instance_id)
        if instance is None:
            continue
        seen.add(instance_id)
        if instance_id in rows:
            rows[instance_id].fleet = fleet.value
            if instance_id in group.leaving and not rows[instance_id].leaving:
                rows[instance_id].leaving = True
                deregister_everywhere(context, row, [rows[instance_id]])
        else:
            _launched(context, row, instance, fleet, _generation(row, group.launch_template))
    gone = [item for instance_id, item in rows.items() if instance_id not in seen]
    for item in gone:
        _terminated(context, row, item)
    if gone and row.operation is None:  # else what is done tells of it
        tell_environment(context, row, f"Removed {_listed(gone)} from your environment.")


def _listed(items: Sequence[BeanstalkInstanceRow]) -> str:
    return f"instance{'s' if len(items) > 1 else ''} [{', '.join(item.id for item in items)}]"


def _generation(row: EnvironmentRow, template: str) -> int:
    for number, made in (row.resources.get("templates") or {}).items():
        if made["name"] == template:
            return int(number)
    return row.generation


def _launched(context: Context, row: EnvironmentRow, instance: Instance, fleet: Fleet, generation: int) -> None:
    spec = HostSpec(
        instance_type=instance.instance_type,
        zone=instance.zone,
        origin=ORIGIN,
        ec2_instance_id=instance.id,
        private_ip=instance.private_ip,
    )
    host = add_host(ecs_context(context, row), cluster_of(context, row), spec)
    context.session.add(
        BeanstalkInstanceRow(
            id=instance.id,
            environment_id=row.id,
            host_arn=host.arn,
            fleet=fleet.value,
            generation=generation,
            launched_at=context.now,
            terminated_at=None,
            leaving=False,
            replaced=False,
            deployment=0,
            command=Command.NONE.value,
            command_since=None,
            command_ended=None,
            output="",
            version_label=None,
            task_arn=None,
            port=None,
            healthy_checks=0,
            failed_checks=0,
            health={},
        )
    )
    context.session.flush()
    context.record(Kind.STATE_CHANGE, f"elasticbeanstalk:instance/{instance.id}", {"environment": row.name})


def _terminated(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> None:
    item.terminated_at, item.leaving = context.now, True
    deregister_everywhere(context, row, [item])
    host = context.session.get(ContainerInstanceRow, item.host_arn)
    if host is not None and host.status != "INACTIVE":
        reason = f"Host EC2 (instance {item.id}) terminated."
        deregister_host(ecs_context(context, row), host, reason, StopCode.TERMINATION_NOTICE)
    detail = {"environment": row.name, "state": "terminated"}
    context.record(Kind.STATE_CHANGE, f"elasticbeanstalk:instance/{item.id}", detail)
