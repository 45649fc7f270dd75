"""Application Auto Scaling's operations that Ashore answers itself; moto answers the others."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.autoscaling.activities import describe_scaling_activities

OPERATIONS: Mapping[str, Callable[..., Any]] = {"DescribeScalingActivities": describe_scaling_activities}
