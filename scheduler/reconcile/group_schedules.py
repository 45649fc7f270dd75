"""Scheduled actions of Auto Scaling groups: when one falls due, and what the group's bounds are then.

Recurrences have five fields, as in cron, in the action's time zone (reference: iam_elb_autoscaling.md §10).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from scheduler.beanstalk.cron import following, parse
from scheduler.reconcile.schedules import Window

_LOOK_BACK = timedelta(days=1)
"""What is older than this when it is looked at (the server was off) is not made up for."""


@dataclass(frozen=True, slots=True)
class GroupAction:
    """A scheduled action of a group; without a recurrence it is done once, at `start`."""

    name: str
    group: str
    minimum: int | None = None
    maximum: int | None = None
    desired: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    recurrence: str | None = None
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Size:
    """Bounds and desired capacity of a group."""

    minimum: int
    maximum: int
    desired: int


def is_due(action: GroupAction, window: Window) -> bool:
    """Whether an instant of the action lies in the window.

    Raises:
        CronError: its recurrence cannot be read.

    """
    begin = max(window.last, window.now - _LOOK_BACK)
    if action.recurrence is None:
        return action.start is not None and begin < action.start <= window.now
    if action.start is not None:
        begin = max(begin, action.start - timedelta(minutes=1))
    until = window.now if action.end is None else min(window.now, action.end)
    found = following(parse(action.recurrence), begin.astimezone(action.zone))
    return found is not None and found <= until


def resized(action: GroupAction, size: Size) -> Size:
    """The group after the action; desired capacity stays within the bounds."""
    minimum = size.minimum if action.minimum is None else action.minimum
    maximum = max(minimum, size.maximum if action.maximum is None else action.maximum)
    wanted = size.desired if action.desired is None else action.desired
    return Size(minimum, maximum, min(max(wanted, minimum), maximum))
