"""The state of a CloudWatch alarm from the latest periods of its metric, and the reason in CloudWatch's words.

Where periods are missing CloudWatch also looks at older ones; here the periods of the window decide (unconfirmed).
"""

from collections.abc import Sequence
from dataclasses import dataclass

_COMPARISONS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
COMPARISONS = frozenset(_COMPARISONS)
"""Those that are evaluated: bands of anomaly detection are not."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alarm watches for."""

    comparison: str
    threshold: float
    periods: int
    """How many of the latest periods count."""
    datapoints: int
    """How many of them must breach."""
    missing: str = "missing"
    """What a period without data is: missing, breaching, notBreaching or ignore."""


def breaches(rule: Rule, value: float) -> bool:
    """Whether one value is beyond the threshold."""
    match rule.comparison:
        case "GreaterThanThreshold":
            return value > rule.threshold
        case "GreaterThanOrEqualToThreshold":
            return value >= rule.threshold
        case "LessThanThreshold":
            return value < rule.threshold
        case _:
            return value <= rule.threshold


def state_of(rule: Rule, values: Sequence[float | None], before: str) -> tuple[str, str]:
    """(state, reason) from the window's values, oldest first; None where a period has none."""
    known = [value for value in values if value is not None]
    absent = len(values) - len(known)
    if not known and rule.missing in {"missing", "ignore"}:
        if rule.missing == "ignore":
            return before, "Unchanged: no datapoints were received."
        return "INSUFFICIENT_DATA", f"Insufficient Data: {len(values)} datapoints were unknown."
    beyond = [value for value in known if breaches(rule, value)]
    counted = len(beyond) + (absent if rule.missing == "breaching" else 0)
    if counted >= rule.datapoints:
        return "ALARM", _crossed(rule, beyond, counted, len(values), "was" if counted == 1 else "were", "OK -> ALARM")
    within = [value for value in known if not breaches(rule, value)]
    if rule.missing == "missing" and len(beyond) + absent >= rule.datapoints and not within:
        return "INSUFFICIENT_DATA", f"Insufficient Data: {absent} datapoints were unknown."
    not_beyond = len(values) - counted
    return "OK", _crossed(
        rule, within, not_beyond, len(values), "was not" if not_beyond == 1 else "were not", "ALARM -> OK"
    )


def _crossed(rule: Rule, values: Sequence[float], count: int, periods: int, verb: str, transition: str) -> str:
    shown = ", ".join(f"{value:.1f}" for value in values[-5:])
    times = "datapoint" if rule.datapoints == 1 else "datapoints"
    return (
        f"Threshold Crossed: {count} out of the last {periods} datapoints [{shown}] {verb} "
        f"{_COMPARISONS[rule.comparison]} the threshold ({rule.threshold}) "
        f"(minimum {rule.datapoints} {times} for {transition} transition)."
    )
