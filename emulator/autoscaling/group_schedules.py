"""Scheduled actions of Auto Scaling groups, carried out at the minute in which they fall due.

`ScalingStateRow.state` of `ACCOUNT/REGION/scheduledActions` remembers in `ranAt` until when was looked.
"""

from datetime import datetime, timedelta

from emulator.context import Context
from emulator.journal import Kind
from emulator.neighbours.capacity_ports import ScalingGroups
from emulator.state.capacity import ScalingStateRow
from scheduler.beanstalk.cron import CronError
from scheduler.reconcile.group_schedules import GroupAction, Size, is_due, resized
from scheduler.reconcile.schedules import Window

_MINUTE = timedelta(minutes=1)


def run_schedules(context: Context, groups: ScalingGroups, now: datetime) -> bool:
    """Carry out what fell due since the last look; whether there are any actions."""
    actions = groups.scheduled(context.account, context.region)
    if not actions:
        return False
    window = _window(context, now)
    for action in actions:
        if _is_due(context, action, window):
            _run(context, groups, action)
    return True


def _window(context: Context, now: datetime) -> Window:
    key = f"{context.account}/{context.region}/scheduledActions"
    row = context.session.get(ScalingStateRow, key)
    last = now - _MINUTE if row is None else datetime.fromisoformat(row.state["ranAt"])
    if row is None:
        row = ScalingStateRow(id=key, state={})
        context.session.add(row)
    row.state = {"ranAt": now.isoformat()}
    return Window(last, now)


def _is_due(context: Context, action: GroupAction, window: Window) -> bool:
    try:
        return is_due(action, window)
    except CronError as error:
        context.record(Kind.FAULT, _subject(context, action), {"action": action.name, "error": str(error)})
        return False


def _run(context: Context, groups: ScalingGroups, action: GroupAction) -> None:
    group = groups.group(context.account, context.region, action.group)
    if group is None:
        return
    size = resized(action, Size(group.minimum, group.maximum, group.desired))
    groups.carry_out_action(context.account, context.region, action, size)
    detail = {"action": action.name, "before": group.desired, "desired": size.desired}
    context.record(
        Kind.STATE_CHANGE, _subject(context, action), {**detail, "minimum": size.minimum, "maximum": size.maximum}
    )


def _subject(context: Context, action: GroupAction) -> str:
    return context.arn("autoscaling", f"autoScalingGroup/{action.group}")
