"""What a target's state becomes: pure steps from what was, what a check found, and what else is known of the target."""

from dataclasses import dataclass, replace
from enum import StrEnum

from emulator.balancer.model import HealthCheck


class State(StrEnum):
    """ELBv2's states."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


CHECKED = frozenset({State.INITIAL, State.HEALTHY, State.UNHEALTHY})
"""Targets in these states are checked."""
OUTSIDE = CHECKED - {State.HEALTHY}
"""From these a passed check brings a target in."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The target answered as it should."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The target answered another status code."""

    code: int


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The target did not answer in time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No connection, or an answer that is none."""


Outcome = Passed | Mismatch | TimedOut | Refused


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a registered target."""

    state: State
    reason: str | None = None
    description: str | None = None
    passes: int = 0
    """Checks that passed in a row."""
    fails: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a target is used at all."""

    in_use: bool = True
    """A listener's rule forwards to its group."""
    zone_enabled: bool = True
    instance_state: str | None = None
    """The EC2 instance's state; None where the target is no instance, or one that EC2 does not know."""
    checks_enabled: bool = True


REGISTERING = Health(State.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health(State.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = Health(State.HEALTHY)
DRAINING = Health(State.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED = Health(State.UNUSED, "Target.NotRegistered", "Target is not registered to the target group")
_NOT_IN_USE = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
_ZONE_DISABLED = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target is in an Availability Zone that is not enabled for the load balancer",
)
_NOT_CHECKED = Health(State.UNAVAILABLE, "Target.HealthCheckDisabled", "Health checks are disabled")
_USED = {State.INITIAL, State.HEALTHY, State.UNHEALTHY}


def look(health: Health, facts: Facts) -> Health:
    """The state before the next check: whether the target is used and checked at all. Draining targets are not looked at."""
    if facts.instance_state not in {None, "running"}:
        return Health(State.UNUSED, "Target.InvalidState", f"Target is in the {facts.instance_state} state")
    if not facts.in_use:
        return _NOT_IN_USE
    if not facts.zone_enabled:
        return _ZONE_DISABLED
    if not facts.checks_enabled:
        return _NOT_CHECKED
    if health.state not in _USED or health.reason == REGISTERING.reason:
        return CHECKING
    return health


def step(health: Health, outcome: Outcome, check: HealthCheck) -> Health:
    """The state after a check. A new target is healthy after its first success; later the thresholds count."""
    if isinstance(outcome, Passed):
        passes = health.passes + 1
        enough = health.state is not State.UNHEALTHY or passes >= check.healthy_threshold
        return replace(HEALTHY, passes=passes) if enough else replace(health, passes=passes, fails=0)
    fails = health.fails + 1
    if health.state is State.UNHEALTHY or fails >= check.unhealthy_threshold:
        reason, description = _blame(outcome)
        return Health(State.UNHEALTHY, reason, description, 0, fails)
    return replace(health, passes=0, fails=fails)


def accepts(codes: str, code: int) -> bool:
    """Whether a matcher (`200`, `200,202`, `200-399`) accepts a status code."""
    for part in codes.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and int(low) <= code <= int(high or low):
            return True
    return False


def _blame(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Mismatch(code):
            return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]"
        case TimedOut():
            return "Target.Timeout", "Request timed out"
        case _:
            return "Target.FailedHealthChecks", "Health checks failed"
