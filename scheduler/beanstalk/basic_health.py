"""Basic health: a colour from the balancer's checks (or EC2's status checks), and the events of its changes."""

from dataclasses import dataclass

from scheduler.beanstalk.health_model import Color
from scheduler.beanstalk.model import Said, Severity

_YELLOW, _RED = 1, 3
"""Failed checks in a row."""


@dataclass(frozen=True, slots=True)
class BasicObservation:
    """What a check found."""

    busy: bool
    """It is being made, updated or ended."""
    in_service: int
    """Instances that passed the last check."""
    failed: int
    """Instances that did not."""
    resource_missing: bool = False


@dataclass(frozen=True, slots=True)
class BasicHealth:
    """What is remembered from check to check."""

    color: Color = Color.GREY
    failures: int = 0


def check(before: BasicHealth, seen: BasicObservation) -> tuple[BasicHealth, Said | None]:
    """After one more check, and what is told of it. While an operation goes on, checks are suspended."""
    if seen.busy:
        return BasicHealth(), None
    good = seen.in_service > 0 and seen.failed == 0
    failures = 0 if good else before.failures + 1
    color = Color.GREEN
    if failures >= _RED or seen.resource_missing:
        color = Color.RED
    elif failures >= _YELLOW:
        color = Color.YELLOW
    after = BasicHealth(color, failures)
    return after, _event(before.color, color)


def _event(before: Color, now: Color) -> Said | None:
    if before is now:
        return None
    severity = Severity.INFO if now is Color.GREEN else Severity.WARN
    if before is Color.GREY:
        return Said(f"Environment health has been set to {now.upper()}", severity)
    return Said(f"Environment health has transitioned from {before.upper()} to {now.upper()}", severity)
