"""CloudWatch's metrics as moto keeps them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from emulator.balancer.ports import Metric
from emulator.neighbours.world import MotoWorld


class MotoMetrics:
    """`balancer.ports.MetricStore` over moto's backend."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def put(self, account: str, region: str, namespace: str, at: datetime, metrics: Sequence[Metric]) -> None:
        """See `MetricStore`."""
        rows = [_row(metric, at) for metric in metrics]
        with self._world.lock:
            self._world.backend("cloudwatch", account, region).put_metric_data(namespace, rows)
        self._world.save_soon("cloudwatch")


def _row(metric: Metric, at: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions.items()],
        "Timestamp": at.replace(tzinfo=None),  # moto's instants are UTC and do not say so
        "Unit": metric.unit,
    }
    if len(metric.values) == 1:
        return {**row, "Value": metric.values[0]}
    return {
        **row,
        "StatisticValues": {
            "SampleCount": len(metric.values),
            "Sum": sum(metric.values),
            "Minimum": min(metric.values),
            "Maximum": max(metric.values),
        },
    }
