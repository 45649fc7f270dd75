"""What capacity needs from the neighbours: Auto Scaling groups, alarms, scalable targets. Values only; moto answers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from scheduler.reconcile.group_schedules import GroupAction, Size


@dataclass(frozen=True, slots=True)
class GroupInstance:
    """An instance of an Auto Scaling group that is not terminated."""

    id: str
    instance_type: str
    zone: str
    state: str
    """Its life-cycle state: InService, Terminating:Wait …"""
    protected: bool
    """From scale-in."""


@dataclass(frozen=True, slots=True)
class ScalingGroup:
    """An Auto Scaling group."""

    name: str
    minimum: int
    maximum: int
    desired: int
    instance_type: str
    """Of the instances that it launches; empty where its template names none."""
    protects_new: bool
    """New instances are protected from scale-in."""
    instances: tuple[GroupInstance, ...]


class ScalingGroups(Protocol):
    """Sync and in process; called on the event-loop thread, also inside transactions."""

    def group(self, account: str, region: str, name: str) -> ScalingGroup | None:
        """The Auto Scaling group called so."""

    def resize_group(self, account: str, region: str, name: str, desired: int, policy: str) -> None:
        """Set the desired capacity: instances are launched, or unprotected ones terminated. Activities name the policy."""

    def protect(self, account: str, region: str, name: str, instance_ids: Collection[str], *, protected: bool) -> None:
        """Protect instances of a group from scale-in, or do so no longer."""

    def hook_terminations(self, account: str, region: str, name: str, *, wanted: bool) -> None:
        """Have instances that leave the group wait in `Terminating:Wait` until `terminate`, or no longer."""

    def terminate(self, account: str, region: str, name: str, instance_ids: Collection[str]) -> None:
        """End instances that wait for it; they are not replaced."""

    def scheduled(self, account: str, region: str) -> list[GroupAction]:
        """The scheduled actions of all groups."""

    def carry_out_action(self, account: str, region: str, action: GroupAction, size: Size) -> None:
        """Have the action's group be so large. An action that is done only once is removed with that."""

    def carry_out_policy(
        self, account: str, region: str, arn: str, alarm: str, now: datetime
    ) -> tuple[str, int, int] | None:
        """Change a group by a simple scaling policy that an alarm names, within its bounds, once its cooldown is over.

        Answers with the group's name and its desired capacity before and after; None where nothing changed.
        """


MetricKey = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name, and dimensions in the order of their names."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A metric, or an expression over other queries, of an alarm on metric math."""

    id: str
    metric: MetricKey | None
    statistic: str
    expression: str | None
    returned: bool
    """Its value is what the alarm judges."""


@dataclass(frozen=True, slots=True)
class WatchedAlarm:
    """A CloudWatch alarm on one metric, or on metric math, with what its evaluation needs."""

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    """Average, Sum, Minimum, Maximum or SampleCount."""
    period: int
    """Seconds."""
    periods: int
    datapoints: int
    threshold: float
    comparison: str
    missing: str
    state: str
    actions: tuple[str, ...]
    """ARNs of what happens in ALARM; empty where actions are disabled."""
    queries: tuple[MetricQuery, ...] = ()
    """Of an alarm on metric math; it has no metric of its own."""


def keys_of(alarm: WatchedAlarm) -> set[MetricKey]:
    """The metrics that an alarm watches."""
    return {query.metric for query in queries_of(alarm) if query.metric is not None}


def queries_of(alarm: WatchedAlarm) -> tuple[MetricQuery, ...]:
    """Those of its own, or the one that its metric is."""
    key = alarm.namespace, alarm.metric, tuple(sorted(alarm.dimensions.items()))
    return alarm.queries or (MetricQuery("metric", key, alarm.statistic, None, returned=True),)


class CloudWatch(Protocol):
    """Sync and in process, as above."""

    def watched_alarms(self, account: str, region: str) -> list[WatchedAlarm]:
        """The alarms on metrics and metric math; none where nobody has used CloudWatch."""

    def own_values(
        self, account: str, region: str, wanted: Collection[MetricKey]
    ) -> Mapping[MetricKey, list[tuple[datetime, float]]]:
        """What has been put there (PutMetricData), in one look at all of it."""

    def trim(self, account: str, region: str, now: datetime) -> None:
        """Let go of data points that CloudWatch would not keep any more."""

    def set_alarm_state(self, account: str, region: str, name: str, state: str, reason: str) -> None:
        """Another state of an alarm."""


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """A service that Application Auto Scaling scales."""

    resource: str
    """`service/CLUSTER/SERVICE`"""
    minimum: int
    maximum: int
    suspended: Mapping[str, bool]
    """DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended."""


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """A policy of a scalable target."""

    name: str
    arn: str
    resource: str
    kind: str
    """TargetTrackingScaling or StepScaling."""
    configuration: Mapping[str, Any]
    alarms: tuple[str, ...]
    """Names of those that target tracking made: the high one, then the low one."""


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """A scheduled action of a scalable target."""

    name: str
    resource: str
    schedule: str
    zone: str
    start: datetime | None
    end: datetime | None
    minimum: int | None
    maximum: int | None


class ScalableTargets(Protocol):
    """Sync and in process, as above; of ECS services only."""

    def scalable_places(self) -> list[tuple[str, str]]:
        """Accounts and regions that may have targets, without loading Application Auto Scaling."""

    def scalable_targets(self, account: str, region: str) -> list[ScalableTarget]:
        """The scalable targets."""

    def scaling_policies(self, account: str, region: str) -> list[ScalingPolicy]:
        """Their policies."""

    def scheduled_actions(self, account: str, region: str) -> list[ScheduledAction]:
        """Their scheduled actions."""

    def set_bounds(self, account: str, region: str, resource: str, minimum: int | None, maximum: int | None) -> None:
        """What a scheduled action sets."""


class Scaling(CloudWatch, ScalableTargets, Protocol):
    """What automatic scaling needs."""
