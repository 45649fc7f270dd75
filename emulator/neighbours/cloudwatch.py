"""CloudWatch shows what the container services measure: moto asks for it whenever it is asked itself."""

from collections.abc import Callable, Sequence
from typing import Any

from emulator.metrics.store import Point

MetricsOf = Callable[[str, str], Sequence[Point]]
"""(account, region) → every point; called in the neighbours' thread."""


class _Source:
    """Whose metrics moto shows: those of the world that is open."""

    of: MetricsOf | None = None


_SOURCE = _Source()
_ADAPTED: list[type] = []


def show_metrics(source: MetricsOf | None) -> None:
    """Have moto show these metrics from now on."""
    _SOURCE.of = source


def adapt_cloudwatch() -> None:
    """Have moto's CloudWatch ask for our metrics; safe to repeat."""
    if _ADAPTED:
        return
    from moto.cloudwatch.models import MetricDatum  # noqa: PLC0415 - moto is imported at first use only
    from moto.core.common_models import CloudWatchMetricProvider  # noqa: PLC0415 - as above

    base: Any = MetricDatum

    class Measured(base):  # type: ignore[misc]  # its type is not known
        """Statistics are of exactly the dimensions asked for: moto would add those of services to their cluster's."""

        def filter(self, namespace: Any, name: Any, dimensions: Any, already_present_metrics: Any = None) -> bool:
            if already_present_metrics is None and dimensions and len(dimensions) != len(self.dimensions):
                return False
            return bool(super().filter(namespace, name, dimensions, already_present_metrics))

    class Provider(CloudWatchMetricProvider):
        @staticmethod
        def get_cloudwatch_metrics(account_id: str, region: str) -> list[Any]:
            if _SOURCE.of is None:
                return []
            return [
                Measured(
                    point.series.namespace,
                    point.series.name,
                    point.value,
                    [{"Name": name, "Value": value} for name, value in point.series.dimensions],
                    point.at.replace(tzinfo=None),
                    point.series.unit,
                )
                for point in _SOURCE.of(account_id, region)
            ]

    _ADAPTED.append(Provider)
