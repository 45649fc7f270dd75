"""Health over time: checks that follow one another, when an environment's status changes, and which changes are told."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler.beanstalk.health_model import BADNESS, HealthStatus, Judgement
from scheduler.beanstalk.model import Said, Severity

_MINUTE = timedelta(minutes=1)
_FAILURES = 3
"""Checks in a minute that find it worse, before it is shown worse."""
_GOOD = frozenset({HealthStatus.OK, HealthStatus.INFO})
_THRESHOLDS = {"Ok": 0, "Warning": 2, "Degraded": 3, "Severe": 4}
"""HealthCheckSuccessThreshold → how bad may still be good."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Consecutive checks of an instance."""

    healthy: int = 0
    failed: int = 0


def count(checks: Checks, status: HealthStatus, threshold: str, *, in_service: bool) -> Checks:
    """After one more check. One failure begins the count anew; what says nothing (Pending, NoData …) does so, too."""
    badness = BADNESS.get(status, 0)
    sound = status in _GOOD or (status is not HealthStatus.NO_DATA and 0 < badness <= _THRESHOLDS[threshold])
    if sound and in_service:
        return Checks(healthy=checks.healthy + 1)
    return Checks(failed=checks.failed + 1 if badness > max(1, _THRESHOLDS[threshold]) else 0)


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of an environment's health."""

    shown: HealthStatus | None = None
    told: HealthStatus | None = None
    """As the last event had it."""
    published_at: datetime | None = None
    worse: tuple[datetime, ...] = ()
    """When checks of the last minute found it worse than shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown after a check."""

    history: History
    judgement: Judgement
    event: Said | None = None
    published: bool = False
    """A minute is over: metrics are due."""


def show(history: History, found: Judgement, now: datetime) -> Shown:
    """What a check changes. Worse is shown when three checks of a minute say so, anything else at once.

    A change becomes an event when it is still so at the next publication, once a minute.
    """
    worse = BADNESS.get(found.status, 0) > BADNESS.get(history.shown, 0) if history.shown is not None else False
    if worse:
        times = (*(at for at in history.worse if now - at < _MINUTE), now)
        history = replace(history, worse=times)
    if not worse or len(history.worse) >= _FAILURES or history.shown is None:
        history = replace(history, shown=found.status, worse=())
    status = history.shown or found.status
    judgement = Judgement(status, found.causes)
    if history.published_at is not None and now - history.published_at < _MINUTE:
        return Shown(history, judgement)
    event = _transition(history.told, judgement) if history.told != status else None
    return Shown(replace(history, told=status, published_at=now), judgement, event, published=True)


def _transition(before: HealthStatus | None, now: Judgement) -> Said:
    origin = f"from {before} " if before is not None else ""
    causes = "".join(f" {cause}" for cause in now.causes)
    worse = BADNESS.get(now.status, 0) > (BADNESS.get(before, 0) if before is not None else 0)
    text = f"Environment health has transitioned {origin}to {now.status}.{causes}"
    return Said(text, Severity.WARN if worse else Severity.INFO)
