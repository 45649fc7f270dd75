"""Auto Scaling groups as moto plays them: `capacity_ports.ScalingGroups` over its backend."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.neighbours.capacity_ports import GroupInstance, ScalingGroup
from emulator.neighbours.group_activities import watch
from emulator.neighbours.group_causes import BY_REQUEST, by_action, by_alarm, by_managed_scaling
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.terminations import HOOK, hooked
from scheduler.reconcile.group_schedules import GroupAction, Size
from scheduler.reconcile.step_scaling import percent

_SAVED = "compute"
"""What groups and their instances are saved as."""


class MotoScalingGroups:
    """Reads and changes groups as requests do."""

    def __init__(self, neighbours: MotoNeighbours) -> None:
        self._neighbours, self._world = neighbours, neighbours.world

    def group(self, account: str, region: str, name: str) -> ScalingGroup | None:
        """See `capacity_ports.ScalingGroups`. Auto Scaling that nobody has used is not imported."""
        with self._world.lock:
            found = self._find(account, region, name)
            return None if found is None else _group(found)

    def resize_group(self, account: str, region: str, name: str, desired: int, policy: str) -> None:
        """See `capacity_ports.ScalingGroups`."""
        with self._world.lock:
            found = self._find(account, region, name)
            if found is None or found.desired_capacity == desired:
                return
            with watch(found.autoscaling_backend, by_managed_scaling(policy)):
                found.set_desired_capacity(desired)
        self._world.save_soon(_SAVED)
        self._neighbours.instances_changed(account, region)

    def protect(self, account: str, region: str, name: str, instance_ids: Collection[str], *, protected: bool) -> None:
        """See `capacity_ports.ScalingGroups`."""
        with self._world.lock:
            found = self._find(account, region, name)
            for state in found.instance_states if found is not None else ():
                if state.instance.id in instance_ids:
                    state.protected_from_scale_in = protected
        self._world.save_soon(_SAVED)

    def hook_terminations(self, account: str, region: str, name: str, *, wanted: bool) -> None:
        """See `capacity_ports.ScalingGroups`."""
        with self._world.lock:
            if self._find(account, region, name) is None:
                return
            backend = self._world.backend("autoscaling", account, region)
            if hooked(backend, name) is wanted:
                return
            if wanted:
                backend.create_lifecycle_hook(HOOK, name, "autoscaling:EC2_INSTANCE_TERMINATING", 3600, "CONTINUE")
            else:
                backend.delete_lifecycle_hook(name, HOOK)
        self._world.save_soon(_SAVED)

    def terminate(self, account: str, region: str, name: str, instance_ids: Collection[str]) -> None:
        """See `capacity_ports.ScalingGroups`."""
        with self._world.lock:
            found = self._find(account, region, name)
            if found is not None:
                staying = [item for item in found.instance_states if item.instance.id not in instance_ids]
                with watch(found.autoscaling_backend, BY_REQUEST):
                    found.instance_states = staying
                found.ec2_backend.terminate_instances(list(instance_ids))
        self._world.save_soon(_SAVED)
        self._neighbours.instances_changed(account, region)

    def scheduled(self, account: str, region: str) -> list[GroupAction]:
        """See `capacity_ports.ScalingGroups`."""
        with self._world.lock:
            if (account, region) not in self._world.places("autoscaling"):
                return []
            known = self._world.backend("autoscaling", account, region).scheduled_actions.values()
            return [_action(item) for item in known]

    def carry_out_action(self, account: str, region: str, action: GroupAction, size: Size) -> None:
        """See `capacity_ports.ScalingGroups`."""
        with self._world.lock:
            found = self._find(account, region, action.group)
            if found is None:
                return
            with watch(found.autoscaling_backend, by_action(action.name)):
                found.min_size, found.max_size = size.minimum, size.maximum
                found.set_desired_capacity(size.desired)
            if action.recurrence is None:
                self._world.backend("autoscaling", account, region).scheduled_actions.pop(action.name, None)
        self._world.save(_SAVED)  # before a row tells that the action ran
        self._neighbours.instances_changed(account, region)

    def carry_out_policy(
        self, account: str, region: str, arn: str, alarm: str, now: datetime
    ) -> tuple[str, int, int] | None:
        """See `capacity_ports.ScalingGroups`. When it last scaled is kept on moto's group, and saved with it."""
        with self._world.lock:
            backend = self._world.backend("autoscaling", account, region)
            policy = next((item for item in backend.policies.values() if item.arn == arn), None)
            found = self._find(account, region, policy.auto_scaling_group_name) if policy is not None else None
            if policy is None or found is None or policy.policy_type != "SimpleScaling":
                return None
            last: datetime | None = getattr(found, "scaled_at", None)
            before = int(found.desired_capacity or 0)
            wanted = _adjusted(before, policy.adjustment_type, int(policy.scaling_adjustment or 0))
            after = min(max(wanted, int(found.min_size or 0)), int(found.max_size or 0))
            if after == before or (last is not None and now < last + timedelta(seconds=int(policy.cooldown or 0))):
                return None
            found.scaled_at = now
            with watch(backend, by_alarm(alarm, policy.name)):
                found.set_desired_capacity(after)
        self._world.save(_SAVED)
        self._neighbours.instances_changed(account, region)
        return found.name, before, after

    def _find(self, account: str, region: str, name: str) -> Any:
        if (account, region) not in self._world.places("autoscaling"):
            return None
        return self._world.backend("autoscaling", account, region).autoscaling_groups.get(name)


def _action(item: Any) -> GroupAction:
    def number(value: Any) -> int | None:
        return None if value in {None, ""} else int(value)

    return GroupAction(
        name=str(item.scheduled_action_name),
        group=str(item.auto_scaling_group_name),
        minimum=number(item.min_size),
        maximum=number(item.max_size),
        desired=number(item.desired_capacity),
        start=_instant(item.start_time),
        end=_instant(item.end_time),
        recurrence=item.recurrence or None,
        zone=_zone(item.time_zone),
    )


def _instant(value: Any) -> datetime | None:
    if not value:
        return None
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _adjusted(capacity: int, kind: str, by: int) -> int:
    match kind:
        case "ExactCapacity":
            return by
        case "PercentChangeInCapacity":
            return capacity + percent(capacity, by)
        case _:
            return capacity + by


def _group(item: Any) -> ScalingGroup:
    states = [state for state in item.instance_states if state.instance.state in {"pending", "running"}]
    return ScalingGroup(
        name=item.name,
        minimum=int(item.min_size or 0),
        maximum=int(item.max_size or 0),
        desired=int(item.desired_capacity or 0),
        instance_type=_instance_type(item),
        protects_new=bool(item.new_instances_protected_from_scale_in),
        instances=tuple(
            GroupInstance(
                state.instance.id,
                state.instance.instance_type,
                state.availability_zone or "",
                state.lifecycle_state,
                bool(state.protected_from_scale_in),
            )
            for state in states
        ),
    )


def _instance_type(item: Any) -> str:
    """Of the launch template or configuration; of several overrides the first, which moto launches."""
    policy = item.mixed_instances_policy or {}
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    if overrides and overrides[0].get("InstanceType"):
        return str(overrides[0]["InstanceType"])
    if item.ec2_launch_template is None and item.launch_config is None:
        return ""
    return str(item.instance_type or "")
