"""The alarm by which deployments of Express services are rolled back, as moto keeps it.

More than 1 % of errors in two of three minutes, where fewer than five client errors a minute do not count.
"""

from collections.abc import Sequence
from typing import Any

from emulator.neighbours.environment_ports import Place
from emulator.neighbours.world import MotoWorld

_SERVICE = "cloudwatch"
_COUNTS = {"4xx": "HTTPCode_Target_4XX_Count", "5xx": "HTTPCode_Target_5XX_Count", "total": "RequestCountPerTarget"}


class IngressAlarms:
    """See `ingress_ports.IngressResources`."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def ensure_alarm(self, place: Place, name: str, balancer_arn: str, target_groups: Sequence[str]) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            backend = self._world.backend(_SERVICE, place.account, place.region)
            before = backend.alarms.get(name)
            backend.put_metric_alarm(
                name=name,
                namespace=None,
                metric_name=None,
                comparison_operator="GreaterThanThreshold",
                evaluation_periods=3,
                datapoints_to_alarm=2,
                period=None,
                threshold=1.0,
                statistic=None,
                description="Rate of 4XX and 5XX errors",
                dimensions=[],
                alarm_actions=[],
                metric_data_queries=_queries(balancer_arn, target_groups),
                treat_missing_data="notBreaching",
            )
            if before is not None:
                backend.alarms[name].update_state(before.state_reason, before.state_reason_data, before.state_value)
        self._world.save_soon(_SERVICE)

    def delete_alarm(self, place: Place, name: str) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            self._world.backend(_SERVICE, place.account, place.region).alarms.pop(name, None)
        self._world.save_soon(_SERVICE)


def _queries(balancer_arn: str, target_groups: Sequence[str]) -> list[Any]:
    from moto.cloudwatch.models import (  # noqa: PLC0415 - moto is imported at first use only
        Dimension,
        Metric,
        MetricDataQuery,
        MetricStat,
    )

    def counted(name: str, metric: str, group: str) -> Any:
        dimensions = [
            Dimension("LoadBalancer", balancer_arn.partition(":loadbalancer/")[2]),
            Dimension("TargetGroup", group.rpartition(":")[2]),
        ]
        stat = MetricStat(Metric(metric, "AWS/ApplicationELB", dimensions), "60", "Sum", "Count")
        return MetricDataQuery(name, None, None, "false", None, stat)  # type: ignore[arg-type]  # as its API leaves them out

    def computed(name: str, label: str, expression: str, returned: str) -> Any:
        return MetricDataQuery(name, label, None, returned, expression, None)  # type: ignore[arg-type]  # as above

    found = []
    for index, group in enumerate(target_groups):
        prefix = f"m{index}"
        found += [counted(f"{prefix}_{suffix}", metric, group) for suffix, metric in _COUNTS.items()]
        errors = f"IF({prefix}_4xx < 5, 0, {prefix}_4xx) + {prefix}_5xx"
        label = f"Sum of 4XX and 5XX errors percentage for target group {index}"
        found.append(computed(f"e{prefix}", label, f"100 * ({errors}) / FILL({prefix}_total, 1)", "false"))
    every = ", ".join(f"em{index}" for index in range(len(target_groups)))
    found.append(computed("e", "Sum of 4XX and 5XX errors percentage", f"MAX([{every}])", "true"))
    return found
