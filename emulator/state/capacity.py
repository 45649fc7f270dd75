"""Tables of capacity: providers over Auto Scaling groups, metrics, and what Application Auto Scaling has done."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class CapacityProviderRow(Base):
    """A capacity provider over an Auto Scaling group; kept with status INACTIVE after its deletion."""

    __tablename__ = "ecs_capacity_provider"
    __table_args__ = (Index(None, "account", "region", "name", unique=True),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    """ACTIVE or INACTIVE."""
    update_status: Mapped[str | None]
    update_status_reason: Mapped[str | None]
    group_name: Mapped[str]
    """The Auto Scaling group's name."""
    provider: Mapped[dict[str, Any]]
    """`autoScalingGroupProvider` as it is shown."""
    policy_id: Mapped[str]
    """The digits of `ECSManagedAutoScalingPolicy-…`."""
    scaling: Mapped[dict[str, Any]]
    """What managed scaling remembers: see `emulator.ecs.managed_scaling`."""
    created_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class MetricPointRow(Base):
    """One minute of a metric that the container services publish; kept for some hours."""

    __tablename__ = "metric_point"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    account: Mapped[str]
    region: Mapped[str]
    namespace: Mapped[str]
    name: Mapped[str]
    dimensions: Mapped[dict[str, str]]
    at: Mapped[datetime]
    value: Mapped[float]
    unit: Mapped[str]


class ScalingStateRow(Base):
    """What Application Auto Scaling remembers of a scalable target."""

    __tablename__ = "autoscaling_state"

    id: Mapped[str] = mapped_column(primary_key=True)
    """`account/region/resource`"""
    state: Mapped[dict[str, Any]]
    """See `emulator.autoscaling.states`."""


class ScalingActivityRow(Base):
    """One scaling activity, as DescribeScalingActivities shows it; of the last six weeks."""

    __tablename__ = "autoscaling_activity"
    __table_args__ = (Index(None, "account", "region", "started_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    resource: Mapped[str]
    wanted: Mapped[int | None]
    """The desired count that it set; None where it set none."""
    status: Mapped[str]
    description: Mapped[str]
    cause: Mapped[str]
    message: Mapped[str]
    not_scaled: Mapped[list[dict[str, Any]]]
    """NotScaledReasons."""
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
