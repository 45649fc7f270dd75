"""Alarms and scalable targets as moto keeps them: `capacity_ports.Scaling` over its backends."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.neighbours.capacity_ports import (
    MetricKey,
    MetricQuery,
    ScalableTarget,
    ScalingPolicy,
    ScheduledAction,
    WatchedAlarm,
)
from emulator.neighbours.metric_retention import retained
from emulator.neighbours.world import MotoWorld

_STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}
_APPLICATION = "applicationautoscaling"
_DIMENSION = "ecs:service:DesiredCount"


class MotoScaling:
    """Reads what requests set up, and sets what evaluation finds."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def watched_alarms(self, account: str, region: str) -> list[WatchedAlarm]:
        """See `capacity_ports.CloudWatch`."""
        with self._world.lock:
            backend = self._backend("cloudwatch", account, region)
            alarms = [] if backend is None else list(backend.alarms.values())
            return [_alarm(item) for item in alarms if _is_watched(item)]

    def own_values(
        self, account: str, region: str, wanted: Collection[MetricKey]
    ) -> Mapping[MetricKey, list[tuple[datetime, float]]]:
        """See `capacity_ports.CloudWatch`."""
        found: dict[MetricKey, list[tuple[datetime, float]]] = {key: [] for key in wanted}
        names = {key[:2] for key in wanted}
        with self._world.lock:
            backend = self._backend("cloudwatch", account, region)
            for item in backend.metric_data if backend is not None else ():
                if (item.namespace, item.name) not in names:
                    continue
                dimensions = tuple(sorted((one.name, one.value) for one in item.dimensions))
                points = found.get((item.namespace, item.name, dimensions))
                if points is not None:
                    at = item.timestamp.replace(tzinfo=UTC)
                    points.extend((at, value) for value in _values(item))
        return found

    def trim(self, account: str, region: str, now: datetime) -> None:
        """See `capacity_ports.CloudWatch`."""
        with self._world.lock:
            backend = self._backend("cloudwatch", account, region)
            if backend is None:
                return
            before, backend.metric_data = backend.metric_data, retained(backend.metric_data, now)
        if len(before) != len(backend.metric_data):
            self._world.save_soon("cloudwatch")

    def set_alarm_state(self, account: str, region: str, name: str, state: str, reason: str) -> None:
        """See `capacity_ports.CloudWatch`."""
        with self._world.lock:
            backend = self._backend("cloudwatch", account, region)
            if backend is None or name not in backend.alarms:
                return
            backend.alarms[name].update_state(reason, "{}", state)
        self._world.save_soon("cloudwatch")

    def scalable_places(self) -> list[tuple[str, str]]:
        """See `capacity_ports.ScalableTargets`."""
        return [*self._world.places(_APPLICATION), *self._world.places("cloudwatch")]

    def scalable_targets(self, account: str, region: str) -> list[ScalableTarget]:
        """See `capacity_ports.ScalableTargets`."""
        with self._world.lock:
            backend = self._backend(_APPLICATION, account, region)
            targets = {} if backend is None else backend.targets.get(_DIMENSION, {})
            return [
                ScalableTarget(
                    name, int(item.min_capacity or 0), int(item.max_capacity or 0), dict(item.suspended_state or {})
                )
                for name, item in targets.items()
            ]

    def scaling_policies(self, account: str, region: str) -> list[ScalingPolicy]:
        """See `capacity_ports.ScalableTargets`."""
        with self._world.lock:
            backend = self._backend(_APPLICATION, account, region)
            policies = [] if backend is None else list(backend.policies.values())
            return [
                ScalingPolicy(
                    item.policy_name,
                    item.policy_arn,
                    item.resource_id,
                    item.policy_type or "",
                    item.step_scaling_policy_configuration or item.target_tracking_scaling_policy_configuration or {},
                    tuple(alarm.name for alarm in item.alarms),
                )
                for item in policies
                if item.scalable_dimension == _DIMENSION
            ]

    def scheduled_actions(self, account: str, region: str) -> list[ScheduledAction]:
        """See `capacity_ports.ScalableTargets`."""
        with self._world.lock:
            backend = self._backend(_APPLICATION, account, region)
            actions = [] if backend is None else list(backend.scheduled_actions)
            return [_action(item) for item in actions if item.scalable_dimension == _DIMENSION]

    def set_bounds(self, account: str, region: str, resource: str, minimum: int | None, maximum: int | None) -> None:
        """See `capacity_ports.ScalableTargets`."""
        with self._world.lock:
            backend = self._backend(_APPLICATION, account, region)
            target = None if backend is None else backend.targets.get(_DIMENSION, {}).get(resource)
            if target is None:
                return
            target.update(minimum, maximum, None)
        self._world.save(_APPLICATION)  # before a row tells that the action ran

    def _backend(self, service: str, account: str, region: str) -> Any:
        """None where nobody has used the service: it is not imported to learn that it is empty."""
        if (account, region) not in self._world.places(service):
            return None
        return self._world.backend(service, account, region)


def _values(item: Any) -> list[float]:
    """One value, or of a set of statistics as many as it has samples: with the same sum, extremes and number."""
    if hasattr(item, "value"):
        return [float(item.value)]
    count = int(item.sample_count)
    if count < 2:
        return [float(item.sum)] * count
    rest = count - 2
    middle = (item.sum - item.min - item.max) / rest if rest else 0.0
    return [float(item.min), float(item.max), *([middle] * rest)]


def _is_watched(item: Any) -> bool:
    if item.rule is not None:
        return False
    if item.metric_data_queries:
        stats = [one.metric_stat for one in item.metric_data_queries if one.metric_stat]
        returned = [one for one in item.metric_data_queries if _is_returned(one)]
        alike = len({int(stat.period or 60) for stat in stats}) == 1
        return len(returned) == 1 and alike and all(stat.stat in _STATISTICS for stat in stats)
    return bool(item.metric_name and item.statistic in _STATISTICS)


def _is_returned(query: Any) -> bool:
    return str(query.return_data).lower() != "false"


def _query(item: Any) -> MetricQuery:
    stat = item.metric_stat
    key = None
    if stat is not None:
        dimensions = tuple(sorted((one.name, one.value) for one in stat.metric.dimensions))
        key = (stat.metric.namespace, stat.metric.metric_name, dimensions)
    return MetricQuery(item.id, key, stat.stat if stat else "", item.expression or None, _is_returned(item))


def _period(item: Any) -> int:
    periods = [one.metric_stat.period for one in item.metric_data_queries or () if one.metric_stat]
    return int((periods[0] if periods else item.period) or 60)


def _alarm(item: Any) -> WatchedAlarm:
    periods = int(item.evaluation_periods or 1)
    return WatchedAlarm(
        name=item.name,
        namespace=item.namespace or "",
        metric=item.metric_name or "",
        dimensions={one.name: one.value for one in item.dimensions or ()},
        statistic=item.statistic or "",
        period=_period(item),
        periods=periods,
        datapoints=int(item.datapoints_to_alarm or periods),
        threshold=float(item.threshold),
        comparison=item.comparison_operator,
        missing=item.treat_missing_data or "missing",
        state=item.state_value,
        actions=tuple(item.alarm_actions or ()) if item.actions_enabled else (),
        queries=tuple(_query(one) for one in item.metric_data_queries or ()),
    )


def _action(item: Any) -> ScheduledAction:
    bounds = item.scalable_target_action or {}
    return ScheduledAction(
        item.scheduled_action_name,
        item.resource_id,
        item.schedule,
        item.timezone or "UTC",
        _instant(item.start_time),
        _instant(item.end_time),
        bounds.get("MinCapacity"),
        bounds.get("MaxCapacity"),
    )


def _instant(value: Any) -> datetime | None:
    if value in {None, ""}:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)
