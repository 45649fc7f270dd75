"""What a daemon's deployment waits for, in words (`ashore explain DAEMON`). Looks only; decides nothing."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.daemon_counts import counts_of
from emulator.ecs.daemon_failures import held_until
from emulator.ecs.names import last_part
from emulator.state.daemons import DaemonDeploymentRow, DaemonRevisionRow, DaemonRow
from emulator.state.ecs import ContainerInstanceRow, TaskRow


def explain_daemon(context: Context, daemon: DaemonRow) -> list[str]:
    """One line for everything there is to say."""
    revision = context.session.get_one(DaemonRevisionRow, daemon.revision_arn)
    names = list(map(last_part, revision.body["capacityProviderArns"]))
    hosts = context.session.scalars(
        select(ContainerInstanceRow.arn).where(
            ContainerInstanceRow.cluster_arn == daemon.cluster_arn,
            ContainerInstanceRow.status == "ACTIVE",
            ContainerInstanceRow.capacity_provider.in_(names),
        )
    ).all()
    running = sum(item.running for item in counts_of(context, revision))
    definition = last_part(revision.body["daemonTaskDefinitionArn"])
    where = f"{len(hosts)} hosts of {', '.join(names)}"
    lines = [f"Daemon {daemon.name} is {daemon.status}: {where}, {running} run {definition}."]
    others = context.session.scalars(
        select(TaskRow.id).where(
            TaskRow.service_arn == daemon.arn,
            TaskRow.deployment_id != daemon.revision_arn,
            TaskRow.last_status != "STOPPED",
        )
    ).all()
    if others:
        lines.append(f"{len(others)} tasks of other revisions are left.")
    lines += _of_deployment(context, context.session.get_one(DaemonDeploymentRow, daemon.deployment_arn))
    held = held_until(context, daemon)
    if held is not None:
        lines.append(f"Tasks failed: nothing is started before {held.isoformat(timespec='seconds')}.")
    if daemon.halted:
        lines.append(
            "Its deployment failed and there is nothing to go back to: nothing is started until it is updated."
        )
    return lines


def _of_deployment(context: Context, row: DaemonDeploymentRow) -> Iterator[str]:
    told = f" ({row.status_reason})" if row.status_reason else ""
    yield f"Daemon deployment {last_part(row.arn)} is {row.status}{told}."
    if row.status == "IN_PROGRESS" and row.steady_at is not None:
        end = row.steady_at + timedelta(minutes=row.configuration["bakeTimeInMinutes"])
        if end > context.now:
            yield f"  Every host has its task; it bakes until {end.isoformat(timespec='seconds')}."
