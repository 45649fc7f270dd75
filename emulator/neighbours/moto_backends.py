"""The neighbours as moto plays them: `ports.Neighbours` over its backends."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.clock import Clock
from emulator.neighbours.ports import Instance, LogEvent, LogGroupNotFoundError, Subnet, SubnetNotFoundError
from emulator.neighbours.world import MotoWorld
from emulator.neighbours.zones import zones_of

_GROUP_TAG = "aws:autoscaling:groupName"
_DEFAULT_ACCOUNT = "000000000000"


class MotoNeighbours:
    """Answers from the world that requests change, too.

    Args:
        world: the server's; None makes one that lives in memory only.

    """

    def __init__(self, world: MotoWorld | None = None) -> None:
        self.world = world or MotoWorld(Clock(), _DEFAULT_ACCOUNT, None)
        self._watchers: list[Callable[[str, str], None]] = []

    def subnets(self, account: str, region: str, subnet_ids: Sequence[str]) -> list[Subnet]:
        """See `ports.Neighbours`."""
        with self.world.lock:
            known = {subnet.id: subnet for subnet in self._subnets(account, region)}
            for subnet_id in subnet_ids:
                if subnet_id not in known:
                    raise SubnetNotFoundError(subnet_id)
            return [_subnet(known[subnet_id]) for subnet_id in subnet_ids]

    def default_subnets(self, account: str, region: str) -> list[Subnet]:
        """See `ports.Neighbours`."""
        with self.world.lock:
            vpcs = self._ec2(account, region).vpcs
            found = [
                subnet
                for subnet in self._subnets(account, region)
                if subnet.default_for_az and str(vpcs[subnet.vpc_id].is_default).lower() == "true"
            ]
            return sorted((_subnet(subnet) for subnet in found), key=lambda subnet: subnet.zone)

    def zones(self, region: str) -> list[str]:
        """See `ports.Neighbours`."""
        return zones_of(region)

    def instances(self, account: str, region: str) -> list[Instance]:
        """See `ports.Neighbours`. EC2 that nobody has used is not imported to learn that it is empty."""
        with self.world.lock:
            if (account, region) not in self.world.places("ec2"):
                return []
            return [_instance(item) for item in self._ec2(account, region).all_instances()]

    def instance_places(self) -> list[tuple[str, str]]:
        """See `ports.Neighbours`."""
        return self.world.places("ec2")

    def watch_instances(self, changed: Callable[[str, str], None]) -> None:
        """See `ports.Neighbours`."""
        self._watchers.append(changed)

    def instances_changed(self, account: str, region: str) -> None:
        """Tell the watchers; called on the event-loop thread after a request to EC2, Auto Scaling or CloudFormation."""
        for watcher in self._watchers:
            watcher(account, region)

    def create_log_stream(self, account: str, region: str, group: str, stream: str, *, create_group: bool) -> None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            logs = self.world.backend("logs", account, region)
            if group not in logs.groups:
                if not create_group:
                    raise LogGroupNotFoundError(group)
                logs.create_log_group(group, {})
            if stream not in logs.groups[group].streams:
                logs.create_log_stream(group, stream)
        self.world.save_soon("logs")

    def put_log_events(self, account: str, region: str, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """See `ports.Neighbours`. Saved a moment later: what a crash loses is shipped again from `last_log_event` on.

        Raises:
            LogGroupNotFoundError: the group or the stream has been deleted meanwhile.

        """
        rows = [{"timestamp": int(event.at.timestamp() * 1000), "message": event.message} for event in events]
        with self.world.lock:
            found = self.world.backend("logs", account, region).groups.get(group)
            if found is None or stream not in found.streams:
                raise LogGroupNotFoundError(f"{group}/{stream}")
            found.put_log_events(stream, rows)
        self.world.save_soon("logs")

    def last_log_event(self, account: str, region: str, group: str, stream: str) -> datetime | None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            if (account, region) not in self.world.places("logs"):
                return None
            found = self.world.backend("logs", account, region).groups.get(group)
            events = found.streams[stream].events if found and stream in found.streams else []
            if not events:
                return None
            return datetime.fromtimestamp(max(event.timestamp for event in events) / 1000, UTC)

    def _ec2(self, account: str, region: str) -> Any:
        return self.world.backend("ec2", account, region)

    def _subnets(self, account: str, region: str) -> list[Any]:
        zones = self._ec2(account, region).subnets.values()
        return [subnet for zone in zones for subnet in zone.values()]


def _subnet(item: Any) -> Subnet:
    vpc = item.ec2_backend.vpcs[item.vpc_id]
    return Subnet(item.id, item.vpc_id, item.availability_zone, item.cidr_block, vpc.cidr_block)


def _instance(item: Any) -> Instance:
    tags = {tag["key"]: tag["value"] for tag in item.get_tags()}
    try:
        user_data = item.user_data.decode() if item.user_data is not None else ""
    except UnicodeDecodeError:  # compressed cloud-init data, in which we do not look
        user_data = ""
    return Instance(
        id=item.id,
        instance_type=item.instance_type,
        zone=item.availability_zone or "",
        state=item.state,
        private_ip=item.private_ip or "",
        vpc_id=item.vpc_id or "",
        subnet_id=item.subnet_id or "",
        image_id=item.image_id,
        user_data=user_data,
        auto_scaling_group=tags.get(_GROUP_TAG),
    )
