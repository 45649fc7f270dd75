"""moto's groups terminate at once; ours wait where ECS has hooked them (managed draining), and where a group is to drain.

An instance that leaves a group which drains is `Terminating` until whoever looks after the group ends it: its load balancer lets it
finish what it has first. `end_draining` says that there is nothing to wait for any more.
"""

from typing import Any

HOOK = "ecs-managed-draining-termination-hook"
WAITING = "Terminating:Wait"
DRAINING = "Terminating"


def hooked(backend: Any, group_name: str) -> bool:
    """Whether instances that leave the group wait for ECS."""
    return f"{group_name}_{HOOK}" in backend.lifecycle_hooks


def begin_draining(group: Any) -> None:
    """From now on instances that leave the group wait. Kept on moto's group, and saved with it."""
    group.drains = True


def end_draining(group: Any) -> None:
    """End those that wait, and let nobody wait any more: the group goes."""
    group.drains = False
    left = [state for state in group.instance_states if state.lifecycle_state == DRAINING]
    group.instance_states = [state for state in group.instance_states if state not in left]
    if left:
        group.ec2_backend.terminate_instances([state.instance.id for state in left])


def _waits_as(backend: Any, group: Any) -> str | None:
    """The state in which instances wait that leave the group; None: they end at once."""
    if hooked(backend, group.name):
        return WAITING
    return DRAINING if getattr(group, "drains", False) else None


def wait_before_terminating() -> None:
    """Have moto's groups wait; safe to repeat."""
    from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup  # noqa: PLC0415 - moto is imported at first use only

    group_class: Any = FakeAutoScalingGroup
    backend_class: Any = AutoScalingBackend
    resize, terminate = group_class.set_desired_capacity, backend_class.terminate_instance
    if getattr(resize, "waits", False):
        return

    def set_desired_capacity(group: Any, new_capacity: int | None) -> None:
        wanted = group.min_size if new_capacity is None else new_capacity
        known = group.autoscaling_backend.autoscaling_groups.get(group.name) is group
        waits_as = _waits_as(group.autoscaling_backend, group)
        if known and waits_as is not None:
            active = group.active_instances()
            surplus = len(active) - int(wanted or 0)
            if surplus > 0:
                for state in [state for state in active if not state.protected_from_scale_in][:surplus]:
                    state.lifecycle_state = waits_as
                group.desired_capacity = wanted
                return
        resize(group, new_capacity)

    def terminate_instance(backend: Any, instance_id: str, should_decrement: Any) -> Any:
        states = [
            state
            for group in backend.autoscaling_groups.values()
            for state in group.instance_states
            if state.instance.id == instance_id
        ]
        group: Any = states[0].instance.autoscaling_group if states else None
        waits_as = None if group is None else _waits_as(backend, group)
        if waits_as is None or states[0].lifecycle_state in {WAITING, DRAINING}:
            return terminate(backend, instance_id, should_decrement)
        from moto.autoscaling.models import TerminateInstanceActivity  # noqa: PLC0415 - as above

        before = group.desired_capacity
        states[0].lifecycle_state = waits_as
        resize(group, before - 1 if str(should_decrement).lower() == "true" else before)
        return TerminateInstanceActivity(states[0].instance, before)

    set_desired_capacity.waits = True  # type: ignore[attr-defined]
    group_class.set_desired_capacity = set_desired_capacity
    backend_class.terminate_instance = terminate_instance
