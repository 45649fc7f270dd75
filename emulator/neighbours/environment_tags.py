"""Changed tags of what environments have, as moto keeps them."""

from typing import Any

from emulator.neighbours.environment_ports import Place, Tagged, TagsChange
from emulator.neighbours.world import MotoWorld


class EnvironmentTags:
    """See `environment_ports.EnvironmentResources`."""

    def __init__(self, world: MotoWorld) -> None:
        self._tagged_world = world

    def change_tags(self, place: Place, tagged: Tagged, change: TagsChange) -> None:
        """See `EnvironmentResources`. moto lets a load balancer have ten tags, AWS fifty; its check is gone round."""
        with self._tagged_world.lock:
            ec2 = self._tagged_world.backend("ec2", place.account, place.region)
            instances = self._change_groups(place, tagged, change)
            addresses = [item.allocation_id for item in ec2.addresses if item.public_ip in tagged.addresses]
            ids = [*tagged.ids, *instances, *addresses]
            ec2.delete_tag_keys(ids, list(change.removed))
            ec2.create_tags(ids, dict(change.tags))
            service = self._tagged_world.backend("elbv2", place.account, place.region).tagging_service
            for arn in tagged.arns:
                service.untag_resource_using_names(arn, list(change.removed))
                service.tag_resource(arn, [{"Key": key, "Value": value} for key, value in change.tags.items()])
            self._change_queues(place, tagged, change)
        self._tagged_world.save_soon("compute", "sqs")

    def _change_groups(self, place: Place, tagged: Tagged, change: TagsChange) -> list[str]:
        """The groups' own tags, which new instances get; the ids of the instances that are there."""
        scaling = self._tagged_world.backend("autoscaling", place.account, place.region)
        instances: list[str] = []
        for name in tagged.groups:
            group: Any = scaling.autoscaling_groups.get(name)
            if group is None:
                continue
            place_of = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": "true"}
            kept = [tag for tag in group.tags if tag["Key"] not in {*change.removed, *change.tags}]
            group.tags = [*kept, *({"Key": key, "Value": value, **place_of} for key, value in change.tags.items())]
            instances += [state.instance.id for state in group.instance_states]
        return instances

    def _change_queues(self, place: Place, tagged: Tagged, change: TagsChange) -> None:
        sqs = self._tagged_world.backend("sqs", place.account, place.region)
        for name in tagged.queues:
            queue: Any = sqs.queues.get(name)
            if queue is not None:
                kept = {key: value for key, value in queue.tags.items() if key not in change.removed}
                queue.tags = {**kept, **change.tags}
