"""What Application Auto Scaling refuses and takes along, where moto does not: policies and actions belong to a scalable target.

A target that is deregistered takes its policies, their alarms and its scheduled actions with it. Schedules that would never
be carried out are refused when they are put. Texts are (unconfirmed).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scheduler.reconcile.schedules import ScheduleError, Window, is_due

_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Some instant: that a schedule can be read does not depend on the time."""
_ADJUSTMENTS = ("ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity")
_REGISTERED = ("namespace", "r_id", "dimension", "min_capacity", "max_capacity", "role_arn", "suspended_state")
_MEMBERS = ("service_namespace", "resource_id", "scalable_dimension")


def keep_rules(backend_class: Any) -> None:
    """Have moto's backend keep them. To be called once."""
    register, deregister = backend_class.register_scalable_target, backend_class.deregister_scalable_target
    put_policy, put_action = backend_class.put_scaling_policy, backend_class.put_scheduled_action

    def register_scalable_target(backend: Any, *positional: Any, **named: Any) -> Any:
        asked = dict(zip(_REGISTERED, positional, strict=False)) | named
        known = backend.targets.get(asked["dimension"], {}).get(asked["r_id"])
        least, most = (
            getattr(known, bound, None) if asked[bound] is None else asked[bound]
            for bound in ("min_capacity", "max_capacity")
        )
        _check_bounds(least, most)
        return register(backend, **asked)

    def deregister_scalable_target(backend: Any, namespace: str, r_id: str, dimension: str) -> None:
        deregister(backend, namespace, r_id, dimension)
        its = [item for item in backend.policies.values() if _belongs(item, namespace, r_id, dimension)]
        for policy in its:
            backend.delete_scaling_policy(policy.policy_name, namespace, r_id, dimension)
        backend.scheduled_actions = [
            item for item in backend.scheduled_actions if not _belongs(item, namespace, r_id, dimension)
        ]

    def put_scaling_policy(backend: Any, **members: Any) -> Any:
        _check_target(backend, members)
        if members.get("policy_type") == "StepScaling":
            _check_steps(members.get("policy_body") or {})
        return put_policy(backend, **members)

    def put_scheduled_action(backend: Any, **members: Any) -> None:
        _check_target(backend, members)
        _check_schedule(members)
        put_action(backend, **members)

    backend_class.register_scalable_target = register_scalable_target
    backend_class.deregister_scalable_target = deregister_scalable_target
    backend_class.put_scaling_policy = put_scaling_policy
    backend_class.put_scheduled_action = put_scheduled_action


def _belongs(item: Any, *target: str) -> bool:
    return tuple(getattr(item, member) for member in _MEMBERS) == target


def _check_bounds(least: int | None, most: int | None) -> None:
    if least is None or most is None:
        missing = "MinCapacity" if least is None else "MaxCapacity"
        raise _refusal(f"{missing} must be specified when registering a new scalable target")
    if least < 0:
        raise _refusal("Minimum capacity cannot be less than 0")
    if most < least:
        raise _refusal("Maximum capacity cannot be less than minimum capacity")


def _check_target(backend: Any, members: Mapping[str, Any]) -> None:
    namespace, resource, dimension = (members[name] for name in _MEMBERS)
    if resource not in backend.targets.get(dimension, {}):
        raise _refusal(
            f"No scalable target registered for service namespace: {namespace}, resource ID: {resource}, "
            f"scalable dimension: {dimension}",
            "ObjectNotFoundException",
        )


def _check_steps(body: Mapping[str, Any]) -> None:
    kind, steps = body.get("AdjustmentType"), body.get("StepAdjustments") or []
    if kind not in _ADJUSTMENTS:
        raise _refusal(f"AdjustmentType must be one of [{', '.join(_ADJUSTMENTS)}]")
    if not steps:
        raise _refusal("At least one StepAdjustment must be specified")
    ordered = sorted(steps, key=lambda step: step.get("MetricIntervalLowerBound", float("-inf")))
    for before, after in pairwise(ordered):
        if before.get("MetricIntervalUpperBound") != after.get("MetricIntervalLowerBound", float("-inf")):
            raise _refusal("StepAdjustments must neither overlap nor leave gaps")


def _check_schedule(members: Mapping[str, Any]) -> None:
    action: Mapping[str, Any] = members.get("scalable_target_action") or {}
    if not action:
        raise _refusal("At least one of MinCapacity and MaxCapacity must be specified in ScalableTargetAction")
    least, most = action.get("MinCapacity"), action.get("MaxCapacity")
    if least is not None and most is not None:
        _check_bounds(least, most)
    try:
        zone = ZoneInfo(members.get("timezone") or "UTC")
        is_due(str(members["schedule"]), _ONCE, Window(_ONCE, _ONCE), zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        kind = "schedule" if isinstance(error, ScheduleError) else "timezone"
        raise _refusal(f"Invalid {kind}: {error}") from error


def _refusal(text: str, code: str = "ValidationException") -> Exception:
    from moto.core.exceptions import JsonRESTError  # noqa: PLC0415 - moto is imported at first use only

    error: Exception = JsonRESTError(code, text)
    return error
