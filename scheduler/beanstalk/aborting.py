"""AbortEnvironmentUpdate: what it does at each point of an update, from the instant at which the update was accepted.

It is heeded until the last batch of instances has been updated; what cleans up, or goes back already, goes on (reference:
beanstalk.md §2 and §4).
"""

from enum import StrEnum

from scheduler.beanstalk.model import Said
from scheduler.beanstalk.policies import texts


class Point(StrEnum):
    """Where an update stands."""

    WAITING = "Waiting"
    """Nothing has been touched: linked environments are awaited, or the version's bundle is read."""
    ADJUSTING = "Adjusting"
    """Resources that are there take new settings over."""
    CARRYING = "Carrying"
    """Instances carry something out, by a policy."""
    OTHER = "Other"
    """It is no update, its instances are launched anew, or it is over but for what it cleans up."""


class Abort(StrEnum):
    """What an abort does."""

    CALL_OFF = "CallOff"
    """The update ends: there is nothing to take back."""
    ADJUST_BACK = "AdjustBack"
    """Resources take the former settings over again, then the update ends."""
    BY_POLICY = "ByPolicy"
    """The policy stops, or goes back (`Progress.aborting`)."""


_WAYS = {
    Point.WAITING: Abort.CALL_OFF,
    Point.ADJUSTING: Abort.ADJUST_BACK,
    Point.CARRYING: Abort.BY_POLICY,
}


def abort_at(point: Point) -> Abort | None:
    """What an abort does at this point; None: it is refused. While instances carry something out, `Step.abortable` says more."""
    return _WAYS.get(point)


def called_off(*, version: bool) -> tuple[Said, ...]:
    """The last events of an update that was aborted before an instance was touched: of a version, or of settings alone.

    Texts of failures that clients wait for; whether AWS tells the same of an abort is (unconfirmed).
    """
    return (texts.NOT_DEPLOYED,) if version else (texts.NOT_CONFIGURED, texts.REVERTED)


__all__ = ["Abort", "Point", "abort_at", "called_off"]
