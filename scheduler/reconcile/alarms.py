"""When alarms give a deployment up, and how long they are watched after it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm at one instant."""

    name: str
    alarming: bool
    """Its state is ALARM."""
    looks_back: float
    """Seconds of metrics that it judges: its period by its evaluation periods."""


def alarming(alarms: Iterable[Alarm]) -> frozenset[str]:
    """Those that are in ALARM: where they were before the deployment, they say nothing about it."""
    return frozenset(alarm.name for alarm in alarms if alarm.alarming)


def triggered(alarms: Iterable[Alarm], before: Collection[str]) -> tuple[str, ...]:
    """Those that went to ALARM since the deployment began, by name."""
    return tuple(sorted(alarming(alarms) - set(before)))


def bake(alarms: Iterable[Alarm]) -> float:
    """Seconds for which a rolling deployment is watched once it is steady: until every alarm has judged it alone.

    AWS computes this from the alarms' periods; how is (unconfirmed).
    """
    return max((alarm.looks_back for alarm in alarms), default=0.0)
