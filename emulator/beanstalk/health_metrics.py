"""Metrics of enhanced health in CloudWatch, once a minute: `EnvironmentHealth` always, others as the ConfigDocument asks."""

from collections.abc import Mapping, Sequence

from emulator.beanstalk.health_documents import requests_of
from emulator.beanstalk.health_observations import config_document
from emulator.beanstalk.option_values import Values
from emulator.beanstalk.workers import is_worker
from emulator.context import Context
from emulator.metrics.store import Point, series
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from scheduler.beanstalk.health_model import Color, HealthStatus
from scheduler.beanstalk.request_statistics import Requests

_NAMESPACE = "AWS/ElasticBeanstalk"
_DAEMONS = "ElasticBeanstalk/SQSD"
"""Its Health is 1 for green; 0 for any other colour is (unconfirmed)."""
HEALTH_VALUES = {
    HealthStatus.OK: 0,
    HealthStatus.INFO: 1,
    HealthStatus.UNKNOWN: 5,
    HealthStatus.NO_DATA: 10,
    HealthStatus.WARNING: 15,
    HealthStatus.DEGRADED: 20,
    HealthStatus.SEVERE: 25,
}
"""Of EnvironmentHealth and InstanceHealth; Pending and Suspended have none."""
_LATENCIES = ("P10", "P50", "P75", "P85", "P90", "P95", "P99", "P999")


def publish(context: Context, row: EnvironmentRow, items: Sequence[BeanstalkInstanceRow], values: Values) -> None:
    """What was judged and served, of the minute that ends now. Requests are those of its last ten seconds."""
    document = config_document(values)
    wanted = document.get("CloudWatchMetrics", {})
    at = context.now.replace(second=0, microsecond=0)
    dimensions = {"EnvironmentName": row.name}
    points = _health("EnvironmentHealth", row.health.get("status"), dimensions)
    own = wanted.get("Environment", {})
    points += _chosen(own, _requests(requests_of(row.health.get("requests"))), dimensions)
    instances = {f"Instances{name}": float(count) for name, count in row.health.get("instances", {}).items()}
    points += _chosen(own, instances, dimensions)
    for item in items:
        each = {"EnvironmentName": row.name, "InstanceId": item.id}
        named = wanted.get("Instance", {})
        measured = _requests(requests_of(item.health.get("requests")))
        cpu = item.health.get("cpu")
        measured |= {} if cpu is None else {"CPUUser": cpu, "CPUIdle": 100 - cpu}
        points += _chosen(named, measured, each)
        if named.get("InstanceHealth"):
            points += _health("InstanceHealth", item.health.get("status"), each)
    found = [Point(series(_NAMESPACE, name, where, unit), at, value) for name, where, unit, value in points]
    if is_worker(row):
        green = float(row.health.get("color") == Color.GREEN)
        found.append(Point(series(_DAEMONS, "Health", dimensions, "None"), at, green))
    context.emulator.metrics.publish(context, found)


_Found = list[tuple[str, dict[str, str], str, float]]


def _health(name: str, status: str | None, dimensions: dict[str, str]) -> _Found:
    value = None if status is None else HEALTH_VALUES.get(HealthStatus(status))
    return [] if value is None else [(name, dimensions, "None", float(value))]


def _requests(requests: Requests) -> dict[str, float]:
    found: dict[str, float] = {
        f"ApplicationRequests{one}xx": float(requests.classes.get(one, 0)) for one in (2, 3, 4, 5)
    }
    found["ApplicationRequestsTotal"] = float(requests.count)
    quantiles = requests.quantiles()
    return found | {f"ApplicationLatency{name}": quantiles[name] for name in _LATENCIES if name in quantiles}


def _chosen(wanted: Mapping[str, object], measured: Mapping[str, float], dimensions: dict[str, str]) -> _Found:
    """A metric is published when the document gives it a period."""
    found: _Found = []
    for name, value in measured.items():
        if wanted.get(name):
            unit = "Seconds" if "Latency" in name else "Percent" if name.startswith("CPU") else "Count"
            found.append((name, dimensions, unit, value))
    return found
