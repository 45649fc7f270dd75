"""Tasks of a daemon that ended by themselves: counted in its deployment, and what they mean for the next start.

`failures` of a daemon's row keeps: `until` and `ids` (the newest instant at which a counted task stopped, and who stopped
then), `streak` (rounds of failures in a row), `notBefore` (until when nothing is started) and `at` (of the last failure).
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.daemon_rollouts import failed
from emulator.ecs.task_states import BY_THEMSELVES
from emulator.state.daemons import DaemonDeploymentRow, DaemonRow
from emulator.state.ecs import TaskRow
from scheduler.reconcile.throttle import delay

_CALM = timedelta(minutes=1)
"""After so long without a failure the next one is the first again (unconfirmed)."""


def count_failures(context: Context, daemon: DaemonRow, deployment: DaemonDeploymentRow | None) -> None:
    """Count what has not been counted."""
    until = daemon.failures.get("until")
    statement = select(TaskRow.id, TaskRow.stopped_at, TaskRow.deployment_id).where(
        TaskRow.service_arn == daemon.arn, TaskRow.last_status == "STOPPED", TaskRow.stop_code.in_(BY_THEMSELVES)
    )
    if until is not None:
        statement = statement.where(TaskRow.stopped_at >= datetime.fromisoformat(until))
    found = [(name, at, revision) for name, at, revision in context.session.execute(statement) if at is not None]
    new = [item for item in found if item[0] not in daemon.failures.get("ids", [])]
    if not new:
        return
    newest = max(at for _, at, _ in found)
    before = daemon.failures.get("at")
    calm = before is not None and context.now - datetime.fromisoformat(before) > _CALM
    held = held_until(context, daemon)
    streak = 1 if calm else daemon.failures.get("streak", 0) + (held is None)
    seconds = delay(streak)
    daemon.failures = {
        "until": newest.isoformat(),
        "ids": [name for name, at, _ in found if at == newest],
        "streak": streak,
        "notBefore": (held or context.now + timedelta(seconds=seconds)).isoformat(),
        "at": context.now.isoformat(),
    }
    if deployment is not None:
        failed(deployment, sum(revision == daemon.revision_arn for _, _, revision in new))


def held_until(context: Context, daemon: DaemonRow) -> datetime | None:
    """Until when nothing is started; None where starts are free."""
    text = daemon.failures.get("notBefore")
    at = None if text is None else datetime.fromisoformat(text)
    return at if at is not None and at > context.now else None
