"""What a policy says at this minute, from the states of its alarms."""

from collections.abc import Mapping

from emulator.autoscaling.alarms import Evaluated
from emulator.neighbours.capacity_ports import ScalingPolicy
from scheduler.reconcile.step_scaling import Step, StepPolicy, checked, wanted
from scheduler.reconcile.target_tracking import TargetView, Wish, beyond, tracked_in, tracked_out

_COOLDOWN = 300


def wish_of(policy: ScalingPolicy, view: TargetView, evaluated: Mapping[str, Evaluated]) -> Wish:
    """The count that the policy wants, if it wants another one."""
    if policy.kind == "TargetTrackingScaling":
        return _tracking(policy, view, evaluated)
    return _stepping(policy, view, evaluated)


def _tracking(policy: ScalingPolicy, view: TargetView, evaluated: Mapping[str, Evaluated]) -> Wish:
    given = policy.configuration
    out, inward = (float(given.get(name, _COOLDOWN)) for name in ("ScaleOutCooldown", "ScaleInCooldown"))
    alarms = [evaluated[name] for name in policy.alarms if name in evaluated]
    fired = {("-AlarmHigh-" in item.alarm.name): item for item in alarms if item.state == "ALARM"}
    high, low = fired.get(True), fired.get(False)
    count, alarm, target = None, "", float(given.get("TargetValue", 0))
    if high is not None and high.latest is not None and target > 0:
        count, alarm = tracked_out(view, out, high.latest, target), high.alarm.name
    elif low is not None and low.latest is not None and target > 0:
        count, alarm = tracked_in(view, low.latest, target), low.alarm.name
    return Wish(policy.name, count, alarm, out, inward, tracks=not given.get("DisableScaleIn", False))


def _stepping(policy: ScalingPolicy, view: TargetView, evaluated: Mapping[str, Evaluated]) -> Wish:
    """A step policy is called by alarms of users that name it as their action."""
    given = policy.configuration
    steps = [
        Step(item["ScalingAdjustment"], item.get("MetricIntervalLowerBound"), item.get("MetricIntervalUpperBound"))
        for item in given.get("StepAdjustments", [])
    ]
    kind = given.get("AdjustmentType", "ChangeInCapacity")
    rule = StepPolicy(kind, checked(steps), given.get("MinAdjustmentMagnitude", 0))
    cooldown = float(given.get("Cooldown", _COOLDOWN))
    for item in evaluated.values():
        its = any(action.startswith(policy.arn) for action in item.alarm.actions)
        if its and item.state == "ALARM" and item.latest is not None:
            distance, base = item.latest - item.alarm.threshold, view.base(cooldown)
            count = wanted(rule, base, distance)
            if count is not None and count > base:
                count = beyond(view, count)
            elif count is not None:
                count = wanted(rule, view.desired, distance)
            return Wish(policy.name, count, item.alarm.name, cooldown, cooldown)
    return Wish(policy.name, None, "", cooldown, cooldown)
