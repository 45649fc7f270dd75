"""Auto Scaling's balance: a group spreads its instances evenly over its zones, where moto launches all of a call in one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from emulator.neighbours.group_activities import failed
from emulator.neighbours.group_requests import tell_causes
from emulator.neighbours.terminations import wait_before_terminating

LAUNCHERS = frozenset({"autoscaling", "cloudformation"})
"""Services that launch instances of groups."""


def balance() -> None:
    """Have moto's groups launch each instance where they have the fewest, heed ECS's hook, tell what they do; safe to repeat."""
    wait_before_terminating()
    from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup  # noqa: PLC0415 - moto is imported at first use only
    from moto.autoscaling.responses import AutoScalingResponse  # noqa: PLC0415 - as above
    from moto.ec2.exceptions import EC2ClientError  # noqa: PLC0415 - as above

    group_class: Any = FakeAutoScalingGroup
    original = group_class.replace_autoscaling_group_instances
    if getattr(original, "balances", False):
        return

    def launch(group: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
        subnets, zones = group.vpc_zone_identifier, group.availability_zones
        try:
            for _ in range(count_needed):
                if subnets:
                    used = (state.instance.subnet_id for state in group.instance_states)
                    group.vpc_zone_identifier = least_used([name.strip() for name in subnets.split(",")], used)
                else:
                    used = (state.availability_zone for state in group.instance_states)
                    group.availability_zones = [least_used(list(zones), used)]
                original(group, 1, dict(propagated_tags))
        except EC2ClientError as error:
            if not failed(group, str(error.message)):
                raise
        finally:
            group.vpc_zone_identifier, group.availability_zones = subnets, zones

    launch.balances = True  # type: ignore[attr-defined]
    group_class.replace_autoscaling_group_instances = launch
    tell_causes(AutoScalingBackend, AutoScalingResponse)


def least_used(places: Sequence[str], used: Iterable[str]) -> str:
    """The first of `places` with the fewest uses."""
    counts = Counter(used)
    return min(places, key=lambda place: counts[place])
