"""CloudWatch alarms, evaluated each minute of the clock.

An alarm whose metric nobody has ever measured keeps its state, also one that SetAlarmState gave it; AWS would say
INSUFFICIENT_DATA. Those that target tracking made are always evaluated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.context import Context
from emulator.ecs.alarm_wakes import wake_watchers
from emulator.journal import Kind
from emulator.neighbours.capacity_ports import CloudWatch, MetricKey, WatchedAlarm, keys_of, queries_of
from scheduler.metric_math.evaluate import UnknownInMetricMathError, evaluate, metrics_of
from scheduler.metric_math.parse import MetricMathError, parse
from scheduler.reconcile.alarm_state import COMPARISONS, Rule, state_of

_OWN = "TargetTracking-"
Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An alarm after this minute's evaluation."""

    alarm: WatchedAlarm
    state: str
    latest: float | None
    """The newest value of its window."""


def evaluate_alarms(context: Context, cloudwatch: CloudWatch, now: datetime) -> dict[str, Evaluated]:
    """Name → alarm, with the state that it has now; changed states are set and journaled. `now` is a whole minute."""
    found = {}
    alarms = cloudwatch.watched_alarms(context.account, context.region)
    if not alarms:
        return {}
    put = cloudwatch.own_values(context.account, context.region, set().union(*map(keys_of, alarms)))
    for alarm in alarms:
        points = {key: [*_measured(context, key), *put[key]] for key in keys_of(alarm)}
        try:
            values = alarm_values(alarm, points, now)
            if values[-1] is None and any(value is not None for value in values) and alarm.missing == "missing":
                # who puts his own metrics does so a moment after their minute: until then the periods before it count
                values = alarm_values(alarm, points, now - timedelta(seconds=alarm.period))
        except (MetricMathError, UnknownInMetricMathError):
            continue  # what is not read is not judged: it keeps its state
        state, reason = alarm.state, ""
        if alarm.comparison in COMPARISONS and (any(points.values()) or _is_own(alarm)):
            rule = Rule(alarm.comparison, alarm.threshold, alarm.periods, alarm.datapoints, alarm.missing)
            state, reason = state_of(rule, values, alarm.state)
        if state != alarm.state:
            cloudwatch.set_alarm_state(context.account, context.region, alarm.name, state, reason)
            subject = context.arn("cloudwatch", f"alarm:{alarm.name}")
            wake_watchers(context)
            context.record(Kind.STATE_CHANGE, subject, {"before": alarm.state, "state": state, "reason": reason})
        latest = next((value for value in reversed(values) if value is not None), None)
        found[alarm.name] = Evaluated(alarm, state, latest)
    return found


def _is_own(alarm: WatchedAlarm) -> bool:
    """Whether a service made it for itself: such alarms are judged before anything has been measured, too."""
    return alarm.name.startswith(_OWN) or (bool(alarm.queries) and alarm.missing == "notBreaching")


def _measured(context: Context, key: MetricKey) -> list[Point]:
    namespace, name, dimensions = key
    return context.emulator.metrics.values(context.account, context.region, namespace, name, dict(dimensions))


def alarm_values(alarm: WatchedAlarm, points: Mapping[MetricKey, Sequence[Point]], now: datetime) -> list[float | None]:
    """What the alarm judges of each of the latest periods, oldest first.

    Raises:
        MetricMathError: an expression of its cannot be read.
        UnknownInMetricMathError: one speaks of something that there is not.

    """
    columns: dict[str, list[float | None]] = {}
    expressions = []
    for query in queries_of(alarm):
        if query.metric is not None:
            columns[query.id] = _window(alarm, query.statistic, points[query.metric], now)
        else:
            expressions.append((query.id, parse(query.expression or "")))
    while expressions:
        ready = [(name, tree) for name, tree in expressions if metrics_of(tree) <= columns.keys()]
        if not ready:
            raise UnknownInMetricMathError(", ".join(name for name, _ in expressions))
        for name, tree in ready:
            rows = ({key: column[index] for key, column in columns.items()} for index in range(alarm.periods))
            columns[name] = [evaluate(tree, row) for row in list(rows)]
        expressions = [item for item in expressions if item not in ready]
    (returned,) = (query.id for query in queries_of(alarm) if query.returned)
    return columns[returned]


def _window(alarm: WatchedAlarm, statistic: str, points: Sequence[Point], now: datetime) -> list[float | None]:
    """The statistic of each of the latest periods, oldest first."""
    period = timedelta(seconds=alarm.period)
    values: list[float | None] = []
    for index in range(alarm.periods, 0, -1):
        begin = now - index * period
        its = [value for at, value in points if begin <= at < begin + period]
        values.append(_statistic(statistic, its) if its else None)
    return values


def _statistic(name: str, values: Sequence[float]) -> float:
    match name:
        case "Sum":
            return sum(values)
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
        case "SampleCount":
            return float(len(values))
        case _:
            return sum(values) / len(values)
