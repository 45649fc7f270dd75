"""Step scaling: from how far an alarm's metric is beyond its threshold to the capacity that a policy wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor


@dataclass(frozen=True, slots=True)
class Step:
    """One step; bounds are relative to the threshold, None is without an end."""

    adjustment: int
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """`StepScalingPolicyConfiguration`."""

    kind: str
    """ChangeInCapacity, ExactCapacity or PercentChangeInCapacity."""
    steps: tuple[Step, ...]
    least: int = 0
    """MinAdjustmentMagnitude, of percentages."""


def step_for(policy: StepPolicy, beyond: float) -> Step | None:
    """The step of a metric that is `beyond` its threshold: above it the lower bound belongs to a step, below it the upper."""
    for step in policy.steps:
        lower = float("-inf") if step.lower is None else step.lower
        upper = float("inf") if step.upper is None else step.upper
        inside = lower <= beyond < upper if beyond >= 0 else lower < beyond <= upper
        if inside:
            return step
    return None


def wanted(policy: StepPolicy, capacity: int, beyond: float) -> int | None:
    """The capacity that the policy wants; None where no step is for this value."""
    step = step_for(policy, beyond)
    if step is None:
        return None
    match policy.kind:
        case "ExactCapacity":
            return step.adjustment
        case "PercentChangeInCapacity":
            return max(0, capacity + percent(capacity, step.adjustment, policy.least))
        case _:
            return max(0, capacity + step.adjustment)


def percent(capacity: int, adjustment: int, least: int = 0) -> int:
    """A percentage as a whole change: above 1 rounded down, below it 1; the same with the signs turned."""
    exact = capacity * adjustment / 100
    if exact == 0:
        change = 0
    elif exact > 0:
        change = max(1, floor(exact))
    else:
        change = min(-1, ceil(exact))
    if change and abs(change) < least:
        return least if change > 0 else -least
    return change


def checked(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Steps in the order of their lower bounds."""
    return tuple(sorted(steps, key=lambda step: float("-inf") if step.lower is None else step.lower))
