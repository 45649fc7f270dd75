"""Simple scaling policies of Auto Scaling groups, carried out while an alarm that names them is in ALARM: once a cooldown."""

from collections.abc import Mapping
from datetime import datetime

from emulator.autoscaling.alarms import Evaluated
from emulator.context import Context
from emulator.journal import Kind
from emulator.neighbours.capacity_ports import ScalingGroups

_POLICY, _OF_GROUP = ":scalingPolicy:", ":autoScalingGroupName/"


def due_policies(evaluated: Mapping[str, Evaluated]) -> list[tuple[str, str]]:
    """Alarm and policy ARN of what is to be carried out, in the alarms' order."""
    return [
        (name, action)
        for name, found in evaluated.items()
        if found.state == "ALARM"
        for action in found.alarm.actions
        if _POLICY in action and _OF_GROUP in action
    ]


def scale_groups(context: Context, groups: ScalingGroups, evaluated: Mapping[str, Evaluated], now: datetime) -> None:
    """Carry out what is due; what changed a group is journaled with its alarm."""
    for alarm, policy in due_policies(evaluated):
        changed = groups.carry_out_policy(context.account, context.region, policy, alarm, now)
        if changed is not None:
            group, before, after = changed
            detail = {"policy": policy, "alarm": alarm, "before": before, "desired": after}
            context.record(Kind.STATE_CHANGE, context.arn("autoscaling", f"autoScalingGroup/{group}"), detail)
