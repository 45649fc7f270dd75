"""What of CloudWatch's data points is kept: nothing is lost that CloudWatch would keep, and nothing grows without end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from moto.cloudwatch.models import MetricAggregatedDatum, MetricDatum

from emulator.neighbours.metric_retention import retained

NOW = datetime(2026, 6, 1, 12, 34, tzinfo=UTC)


def point(age: timedelta, value: float = 1.0, namespace: str = "mine", name: str = "errors") -> Any:
    at = (NOW - age).replace(tzinfo=None)
    return MetricDatum(namespace, name, value, [{"Name": "app", "Value": "a"}], at, "Count")


def total(items: list[Any]) -> float:
    return sum(item.value if isinstance(item, MetricDatum) else item.sum for item in items)


def test_points_are_kept_as_put_then_by_five_minutes_then_by_the_hour_then_not() -> None:
    def every_minute(days: float) -> list[Any]:
        start = timedelta(days=days)
        return retained([point(start + timedelta(minutes=minute)) for minute in range(120)], NOW)

    assert len(every_minute(1)) == 120
    fives = every_minute(20)
    assert len(fives) in {24, 25}
    assert {item.timestamp.minute % 5 for item in fives} == {0}
    hours = every_minute(100)
    assert len(hours) in {2, 3}
    assert sum(item.sample_count for item in hours) == 120
    assert every_minute(456) == []


def test_what_load_balancers_measure_is_kept_for_three_hours() -> None:
    items = [point(timedelta(hours=hours), namespace="AWS/ApplicationELB") for hours in (1, 2, 4)]
    assert retained(items, NOW) == items[:2]


ages = some.timedeltas(timedelta(0), timedelta(days=500))
data = some.lists(
    some.builds(point, ages, some.floats(0, 1000), name=some.sampled_from(["errors", "calls"])), max_size=40
)


@given(data)
def test_nothing_is_lost_within_the_retention_and_trimming_again_changes_nothing(items: list[Any]) -> None:
    once = retained(items, NOW)
    wanted = [item for item in items if NOW - item.timestamp.replace(tzinfo=UTC) <= timedelta(days=455)]
    beyond = [item for item in items if NOW - item.timestamp.replace(tzinfo=UTC) <= timedelta(days=455, hours=1)]
    assert total(wanted) - 1e-6 <= total(once) <= total(beyond) + 1e-6
    again = retained(once, NOW)
    assert total(again) == pytest.approx(total(once))
    assert len(again) <= len(once)
    for item in again:
        assert isinstance(item, MetricDatum | MetricAggregatedDatum)
