"""How long CloudWatch keeps what was put: the data points for 15 days, five minutes of them as one for 63, an hour for 455.

What load balancers measure is kept for three hours, as everything that is measured here (`emulator.metrics.store`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

_OURS = {"AWS/ApplicationELB", "AWS/NetworkELB"}
_OURS_KEPT = timedelta(hours=3)
_AS_PUT = timedelta(days=15)
_STEPS = ((timedelta(days=63), timedelta(minutes=5)), (timedelta(days=455), timedelta(hours=1)))
"""Age up to which points of so long a time are kept as one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def retained(data: Iterable[Any], now: datetime) -> list[Any]:
    """What of moto's data points is left, in their order; those that are kept as one come last."""
    kept: list[Any] = []
    together: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for item in data:
        at = item.timestamp.replace(tzinfo=UTC)
        age = now - at
        if item.namespace in _OURS and age > _OURS_KEPT:
            continue
        if age <= _AS_PUT:
            kept.append(item)
            continue
        begin = _begin(at, now)
        if begin is not None:
            dimensions = tuple(sorted((one.name, one.value) for one in item.dimensions))
            together[item.namespace, item.name, dimensions, item.unit, begin].append(item)
    return kept + [_as_one(items, begin) for (*_, begin), items in together.items()]


def _begin(at: datetime, now: datetime) -> datetime | None:
    """When the time began that is kept as one with `at`; None where it is over for too long."""
    for oldest, length in _STEPS:
        begin = _EPOCH + (at - _EPOCH) // length * length
        if now - (begin + length) <= oldest:
            return begin
    return None


def _as_one(items: Sequence[Any], begin: datetime) -> Any:
    from moto.cloudwatch.models import MetricAggregatedDatum  # noqa: PLC0415 - moto is imported at first use only

    first = items[0]
    if len(items) == 1 and isinstance(first, MetricAggregatedDatum) and first.timestamp.replace(tzinfo=UTC) == begin:
        return first
    return MetricAggregatedDatum(
        namespace=first.namespace,
        name=first.name,
        min_stat=min(_part(item, "min") for item in items),
        max_stat=max(_part(item, "max") for item in items),
        sample_count=sum(_part(item, "sample_count") for item in items),
        sum_stat=sum(_part(item, "sum") for item in items),
        dimensions=[{"Name": one.name, "Value": one.value} for one in first.dimensions],
        timestamp=begin.replace(tzinfo=None),  # moto's instants are UTC and do not say so
        unit=first.unit,
    )


def _part(item: Any, name: str) -> float:
    if hasattr(item, "value"):
        return 1.0 if name == "sample_count" else float(item.value)
    return float(getattr(item, name))
