"""When a deployment has failed: the deployment circuit breaker.

Until a task of the deployment runs, starts that fail are counted; from then on failed health checks are, and a task that
becomes healthy sets the count back. At the threshold the deployment has failed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

_FEWEST, _MOST = 3, 200


class ThresholdType(StrEnum):
    """How the configured value becomes a number of failures."""

    COUNT = "COUNT"
    BOUNDED_PERCENT = "BOUNDED_PERCENT"
    UNBOUNDED_PERCENT = "UNBOUNDED_PERCENT"


def threshold(desired: int, kind: ThresholdType = ThresholdType.BOUNDED_PERCENT, value: int = 50) -> int:
    """How many failures trip the breaker; at least one."""
    if kind is ThresholdType.COUNT:
        return max(1, value)
    percent = -(-desired * value // 100)
    if kind is ThresholdType.BOUNDED_PERCENT:
        return min(max(percent, _FEWEST), _MOST)
    return max(1, percent)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What has been counted so far."""

    failures: int = 0
    ran: bool = False
    """A task of the deployment came to RUNNING: the second stage."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened since the last count."""

    failed_starts: int = 0
    failed_checks: int = 0
    runs: bool = False
    """A task of the deployment is RUNNING."""
    became_healthy: bool = False
    """A task became healthy that was not before."""


def count(breaker: Breaker, seen: Seen, *, resets: bool = True) -> Breaker:
    """The count afterwards. What failed together with a recovery counts: it was not before it."""
    if not breaker.ran and not seen.runs:
        return replace(breaker, failures=breaker.failures + seen.failed_starts)
    before = breaker.failures if breaker.ran else 0  # starts that failed are forgotten once one succeeded
    if resets and seen.became_healthy:
        before = 0
    return Breaker(before + seen.failed_checks, ran=True)
