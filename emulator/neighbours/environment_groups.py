"""Launch templates, Auto Scaling groups and their triggers of environments, as moto plays them."""

from collections.abc import Sequence
from typing import Any

from emulator.neighbours.environment_ports import (
    GroupSpec,
    GroupState,
    LaunchSpec,
    Place,
    ScheduleSpec,
    Tags,
    TriggerSpec,
)
from emulator.neighbours.group_activities import watch
from emulator.neighbours.group_causes import BY_REQUEST, DELETED, UPDATED
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.terminations import DRAINING, begin_draining, end_draining

_SAVED = "compute"
_IMAGE_NAMES = ("al2023-ami-", "amzn2-ami-")
_LIVING = {"pending", "running"}


class EnvironmentGroups:
    """See `environment_ports.EnvironmentResources`."""

    def __init__(self, neighbours: MotoNeighbours) -> None:
        self._neighbours, self._world = neighbours, neighbours.world

    def launch_template(self, place: Place, name: str, spec: LaunchSpec, tags: Tags) -> str:
        """See `EnvironmentResources`. Instances get their tags from the group, which can be given others."""
        with self._world.lock:
            ec2 = self._ec2(place)
            if name in ec2.launch_template_name_to_ids:
                return str(ec2.launch_template_name_to_ids[name])
            data: dict[str, Any] = {
                "ImageId": spec.image_id or _newest_image(ec2),
                "InstanceType": spec.instance_type,
                "SecurityGroupIds": list(spec.security_groups),
            }
            if spec.key_name:
                data["KeyName"] = spec.key_name
            if spec.instance_profile:
                kind = "Arn" if spec.instance_profile.startswith("arn:") else "Name"
                data["IamInstanceProfile"] = {kind: spec.instance_profile}
            made = ec2.create_launch_template(name, "", data, {"launch-template": dict(tags)})
        self._world.save_soon(_SAVED)
        return str(made.id)

    def delete_launch_template(self, place: Place, name: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            ec2 = self._ec2(place)
            if name in ec2.launch_template_name_to_ids:
                ec2.delete_launch_template(name, None)
        self._world.save_soon(_SAVED)

    def group(self, place: Place, name: str) -> GroupState | None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            found = self._scaling(place).autoscaling_groups.get(name)
            if found is None:
                return None
            states = [state for state in found.instance_states if state.instance.state in _LIVING]
            return GroupState(
                minimum=int(found.min_size or 0),
                maximum=int(found.max_size or 0),
                desired=int(found.desired_capacity or 0),
                launch_template=str(found.ec2_launch_template.name) if found.ec2_launch_template else "",
                instance_ids=tuple(state.instance.id for state in states),
                leaving=tuple(state.instance.id for state in states if state.lifecycle_state == DRAINING),
            )

    def create_group(self, place: Place, spec: GroupSpec, tags: Tags) -> str:
        """See `EnvironmentResources`."""
        with self._world.lock:
            scaling = self._scaling(place)
            if spec.name not in scaling.autoscaling_groups:
                group_tags = [
                    {**tag, "ResourceId": spec.name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": "true"}
                    for tag in _listed(tags)
                ]
                scaling.create_auto_scaling_group(
                    name=spec.name,
                    availability_zones=[],
                    desired_capacity=spec.desired,
                    max_size=spec.maximum,
                    min_size=spec.minimum,
                    launch_config_name="",
                    launch_template={"LaunchTemplateName": spec.launch_template},
                    vpc_zone_identifier=",".join(spec.subnets),
                    default_cooldown=spec.cooldown,
                    health_check_period=0,
                    health_check_type="EC2",
                    load_balancers=[],
                    target_group_arns=[],
                    placement_group=None,
                    termination_policies=[],
                    tags=group_tags,
                )
            begin_draining(scaling.autoscaling_groups[spec.name])
            arn = str(scaling.autoscaling_groups[spec.name].arn)
        self._groups_changed(place)
        return arn

    def change_group(
        self, place: Place, name: str, minimum: int | None, maximum: int | None, desired: int | None
    ) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            found = self._scaling(place).autoscaling_groups.get(name)
            if found is None:
                return
            with watch(found.autoscaling_backend, UPDATED):
                if minimum is not None:
                    found.min_size = minimum
                if maximum is not None:
                    found.max_size = maximum
                if desired is not None and desired != found.desired_capacity:
                    _oldest_first(found)
                    found.set_desired_capacity(desired)
        self._groups_changed(place)

    def empty_group(self, place: Place, name: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            found = self._scaling(place).autoscaling_groups.get(name)
            if found is None:
                return
            with watch(found.autoscaling_backend, UPDATED):
                end_draining(found)
                found.min_size = 0
                found.set_desired_capacity(0)
        self._groups_changed(place)

    def launch_with(self, place: Place, name: str, launch_template: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            found = self._scaling(place).autoscaling_groups.get(name)
            if found is not None:
                found.ec2_launch_template = self._ec2(place).get_launch_template_by_name(launch_template)
        self._groups_changed(place)

    def move(self, place: Place, source: str, target: str, instance_ids: Sequence[str]) -> None:
        """See `EnvironmentResources`. The target's maximum does not hold for it."""
        with self._world.lock:
            scaling = self._scaling(place)
            old, new = (scaling.autoscaling_groups.get(name) for name in (source, target))
            if old is None or new is None:
                return
            here = [state.instance.id for state in old.instance_states if state.instance.id in instance_ids]
            if not here:
                return
            desired, maximum = int(new.desired_capacity or 0), new.max_size
            scaling.detach_instances(source, here, True)
            new.max_size = max(int(maximum or 0), len(new.instance_states) + len(here))
            scaling.attach_instances(target, here)
            for instance_id in here:
                self._ec2(place).get_instance(instance_id).autoscaling_group = new
            new.max_size, new.desired_capacity = maximum, desired + len(here)
        self._groups_changed(place)

    def end_instances(self, place: Place, group: str, instance_ids: Sequence[str], *, replaced: bool) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            found = self._scaling(place).autoscaling_groups.get(group)
            if found is None:
                return
            with watch(found.autoscaling_backend, BY_REQUEST):
                gone = [state for state in found.instance_states if state.instance.id in instance_ids]
                found.instance_states = [state for state in found.instance_states if state not in gone]
                if gone:
                    found.ec2_backend.terminate_instances([state.instance.id for state in gone])
                desired, counted = (
                    int(found.desired_capacity or 0),
                    sum(state.lifecycle_state != DRAINING for state in gone),
                )
                found.set_desired_capacity(desired if replaced else max(0, desired - counted))
        self._groups_changed(place)

    def delete_group(self, place: Place, name: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            scaling = self._scaling(place)
            if name in scaling.autoscaling_groups:
                with watch(scaling, DELETED):
                    end_draining(scaling.autoscaling_groups[name])
                    scaling.autoscaling_groups[name].min_size = 0
                    scaling.delete_auto_scaling_group(name)
        self._groups_changed(place)

    def trigger(self, place: Place, spec: TriggerSpec) -> str:
        """See `EnvironmentResources`."""
        with self._world.lock:
            policy = self._scaling(place).put_scaling_policy(
                name=spec.policy,
                policy_type="SimpleScaling",
                metric_aggregation_type="",
                adjustment_type="ChangeInCapacity",
                as_name=spec.group,
                min_adjustment_magnitude="",
                scaling_adjustment=spec.increment,
                cooldown=spec.cooldown,
                target_tracking_config={},
                step_adjustments="",
                estimated_instance_warmup="",
                predictive_scaling_configuration="",
            )
            self._world.backend("cloudwatch", place.account, place.region).put_metric_alarm(
                name=spec.alarm,
                namespace=spec.namespace,
                metric_name=spec.metric,
                comparison_operator=spec.comparison,
                evaluation_periods=spec.periods,
                period=spec.period,
                threshold=spec.threshold,
                statistic=spec.statistic,
                description="ElasticBeanstalk Default Scale alarm",
                dimensions=[{"Name": name, "Value": value} for name, value in spec.dimensions.items()],
                alarm_actions=[policy.arn],
                unit=spec.unit,
            )
        self._world.save_soon(_SAVED, "cloudwatch")
        return str(policy.arn)

    def schedule(self, place: Place, group: str, specs: Sequence[ScheduleSpec], gone: Sequence[str]) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            scaling = self._scaling(place)
            for name in gone:
                scaling.scheduled_actions.pop(name, None)
            for spec in specs:
                scaling.put_scheduled_update_group_action(
                    name=group,
                    desired_capacity=spec.desired,
                    max_size=spec.maximum,
                    min_size=spec.minimum,
                    scheduled_action_name=spec.name,
                    start_time=spec.start,
                    end_time=spec.end,
                    recurrence=spec.recurrence,
                    timezone=None,
                )
        self._world.save_soon(_SAVED)

    def delete_trigger(self, place: Place, policy: str, alarm: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            self._scaling(place).delete_policy(policy)
            cloudwatch = self._world.backend("cloudwatch", place.account, place.region)
            if alarm in cloudwatch.alarms:
                cloudwatch.delete_alarms([alarm])
        self._world.save_soon(_SAVED, "cloudwatch")

    def _ec2(self, place: Place) -> Any:
        return self._world.backend("ec2", place.account, place.region)

    def _scaling(self, place: Place) -> Any:
        return self._world.backend("autoscaling", place.account, place.region)

    def _groups_changed(self, place: Place) -> None:
        self._world.save_soon(_SAVED)
        self._neighbours.instances_changed(place.account, place.region)


def _oldest_first(group: Any) -> None:
    """Whoever stands first in the list goes first: the newest are to stand there."""
    group.instance_states.sort(key=lambda state: (state.instance.launch_time, state.instance.id), reverse=True)


def _newest_image(ec2: Any) -> str:
    """Amazon Linux as moto knows it; else any image."""
    named = {str(image.name): str(image.id) for image in ec2.amis.values()}
    for prefix in _IMAGE_NAMES:
        found = sorted(name for name in named if name.startswith(prefix))
        if found:
            return named[found[-1]]
    return next(iter(named.values()))


def _listed(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
