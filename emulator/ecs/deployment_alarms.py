"""The CloudWatch alarms of a service deployment: watched from its first RUNNING task to the end of its bake time.

Who changes an alarm has the deployments that watch it looked at (`alarm_wakes.py`).

`alarms` of a service deployment's row keeps: `before` (in ALARM when it began), `ran` (a task of it was RUNNING), `steady`
(since when a rolling deployment is as desired) and `triggered`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs import service_events as events
from emulator.ecs.deployments import living
from emulator.ecs.service_events import tell
from emulator.ecs.service_wakes import look_again
from emulator.state.ecs import ServiceDeploymentRow, ServiceRow
from scheduler.reconcile.alarms import Alarm, alarming, bake, triggered


def enabled(row: ServiceDeploymentRow | None) -> bool:
    """Whether alarms are watched."""
    return row is not None and bool(row.configuration.get("alarms", {}).get("enable"))


def watch_alarms(context: Context, service: ServiceRow, row: ServiceDeploymentRow, *, runs: bool) -> bool:
    """Look at the alarms; whether the deployment was given up for one.

    Args:
        context: the transaction.
        service: whose deployment it is.
        row: the deployment.
        runs: a task of it is RUNNING.

    """
    if not enabled(row) or row.status != rollouts.Status.IN_PROGRESS:
        return False
    found = _alarms(context, row)
    if "before" not in row.alarms:
        row.alarms = {"before": sorted(alarming(found)), "ran": False, "triggered": []}
    if runs and not row.alarms["ran"]:
        row.alarms = {**row.alarms, "ran": True}
    names = triggered(found, row.alarms["before"]) if row.alarms["ran"] else ()
    if not names:
        return False
    row.alarms = {**row.alarms, "triggered": list(names)}
    cause = rollouts.Cause(  # (unconfirmed) texts
        f"of the CloudWatch alarm(s) {', '.join(names)}.",
        "ECS deployment failed: alarm detected.",
        "ECS deployment failed: alarm detected. Rolling back to deploymentId {id}.",
    )
    tell(context, service, events.failed(living(context, service)[0].id, "alarm detected"))
    if row.configuration["alarms"].get("rollback"):
        rollouts.roll_back(context, service, row, cause)
    else:
        rollouts.stall(context, service, row, cause, rollouts.Status.STOPPED)
    return True


def baked(context: Context, service: ServiceRow, row: ServiceDeploymentRow | None, *, steady: bool) -> bool:
    """Whether a rolling deployment that is as desired has been watched for long enough."""
    if row is None or not enabled(row) or row.status != rollouts.Status.IN_PROGRESS:
        return True
    since = row.alarms.get("steady")
    if not steady:
        if since is not None:
            row.alarms = {**row.alarms, "steady": None}
        return False
    if since is None:
        since = context.now.isoformat()
        row.alarms = {**row.alarms, "steady": since}
    end = datetime.fromisoformat(since) + timedelta(seconds=bake(_alarms(context, row)))
    if context.now < end:
        look_again(context, service, end)
    return context.now >= end


def _alarms(context: Context, row: ServiceDeploymentRow) -> Sequence[Alarm]:
    names = row.configuration["alarms"]["alarmNames"]
    return [
        Alarm(alarm.name, alarm.state == "ALARM", alarm.seconds)
        for alarm in context.emulator.neighbours.alarms(context.account, context.region, names)
    ]


def describe_alarms(row: ServiceDeploymentRow) -> dict[str, Any]:
    """`alarms` as DescribeServiceDeployments shows them."""
    status = "MONITORING" if row.status in rollouts.RUNNING else "MONITORING_COMPLETE"
    found = row.alarms.get("triggered", [])
    document: dict[str, Any] = {
        "status": "TRIGGERED" if found else status if enabled(row) else "DISABLED",
        "alarmNames": row.configuration.get("alarms", {}).get("alarmNames", []),
    }
    return {**document, "triggeredAlarmNames": found} if found else document
