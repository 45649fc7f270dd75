"""How many hosts of each capacity provider run a daemon's revision: counted from tasks and hosts, never stored."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.names import last_part
from emulator.state.daemons import DaemonRevisionRow
from emulator.state.ecs import TaskRow


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one provider."""

    arn: str
    running: int
    without: int
    """Hosts without a running task; only where the daemon is not critical, as ECS counts them."""
    draining: int
    """Hosts on which a task of the revision was told to stop."""


def counts_of(context: Context, revision: DaemonRevisionRow) -> list[Counts]:
    """One for each of the revision's providers."""
    running: Counter[str] = Counter()
    draining: Counter[str] = Counter()
    rows = context.session.execute(
        select(TaskRow.capacity_provider, TaskRow.last_status, TaskRow.desired_status).where(
            TaskRow.service_arn == revision.daemon_arn,
            TaskRow.deployment_id == revision.arn,
            TaskRow.last_status != "STOPPED",
        )
    )
    for provider, status, desired in rows:
        running[str(provider)] += status == "RUNNING" and desired == "RUNNING"
        draining[str(provider)] += desired == "STOPPED"
    hosts: Counter[str] = Counter()
    if not revision.body["critical"]:
        nodes = context.emulator.fleets.of(context.session, revision.cluster_arn).nodes()
        hosts.update(node.capacity_provider for node in nodes if node.status == "ACTIVE" and node.capacity_provider)
    named = [(arn, last_part(arn)) for arn in revision.body["capacityProviderArns"]]
    return [Counts(arn, running[name], max(0, hosts[name] - running[name]), draining[name]) for arn, name in named]


def revision_detail(context: Context, revision: DaemonRevisionRow) -> dict[str, Any]:
    """As DescribeDaemon shows it."""
    counts = counts_of(context, revision)
    return {
        "arn": revision.arn,
        "capacityProviders": [
            {"arn": item.arn, "runningCount": item.running, "withoutDaemonCount": item.without} for item in counts
        ],
        "totalRunningCount": sum(item.running for item in counts),
        "totalWithoutDaemonCount": sum(item.without for item in counts),
    }


def deployment_revision_detail(context: Context, revision: DaemonRevisionRow) -> dict[str, Any]:
    """As DescribeDaemonDeployments shows it."""
    counts = counts_of(context, revision)
    return {
        "arn": revision.arn,
        "capacityProviders": [
            {
                "arn": item.arn,
                "runningInstanceCount": item.running,
                "withoutDaemonInstanceCount": item.without,
                "drainingInstanceCount": item.draining,
            }
            for item in counts
        ],
        "totalRunningInstanceCount": sum(item.running for item in counts),
        "totalWithoutDaemonInstanceCount": sum(item.without for item in counts),
        "totalDrainingInstanceCount": sum(item.draining for item in counts),
    }
