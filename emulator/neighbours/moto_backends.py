"""The neighbours as moto plays them: `ports.Neighbours` over its backends."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from emulator.clock import Clock
from emulator.neighbours.identities import MotoIdentities
from emulator.neighbours.ports import (
    BusEvent,
    Instance,
    InstanceProfile,
    LogEvent,
    LogGroupNotFoundError,
    MetricAlarm,
    RoleCredentials,
    Subnet,
    SubnetNotFoundError,
)
from emulator.neighbours.world import MotoWorld
from emulator.neighbours.zones import zones_of

_LOG = structlog.get_logger()
_GROUP_TAG = "aws:autoscaling:groupName"
_DEFAULT_ACCOUNT = "000000000000"


class MotoNeighbours:
    """Answers from the world that requests change, too.

    Args:
        world: the server's; None makes one that lives in memory only.
        keys_tell_accounts: whether the keys of users and sessions are looked up (IAM on) to know whose account is meant.

    """

    def __init__(self, world: MotoWorld | None = None, *, keys_tell_accounts: bool = False) -> None:
        self.world = world or MotoWorld(Clock(), _DEFAULT_ACCOUNT, None)
        self.identities = MotoIdentities(self.world)
        self._keys_tell_accounts = keys_tell_accounts
        self._watchers: list[Callable[[str, str], None]] = []
        self._alarm_watchers: list[Callable[[str, str], None]] = []
        self._queue_watchers: list[Callable[[], None]] = []

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
            backend = self._ec2(account, region)
            return [_instance(backend, item) for item in backend.all_instances()]

    def instance(self, account: str, region: str, instance_id: str) -> Instance | None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            if (account, region) not in self.world.places("ec2"):
                return None
            backend = self._ec2(account, region)
            found = backend.get_instance_by_id(instance_id)
            return None if found is None else _instance(backend, found)

    def instance_places(self) -> list[tuple[str, str]]:
        """See `ports.Neighbours`."""
        return self.world.places("ec2")

    def keep(self) -> None:
        """See `ports.Neighbours`."""
        self.world.save_waiting()

    def watch_instances(self, changed: Callable[[str, str], None]) -> None:
        """See `ports.Neighbours`."""
        self._watchers.append(changed)

    def instances_changed(self, account: str, region: str) -> None:
        """Tell the watchers; called on the event-loop thread after a request to EC2, Auto Scaling or CloudFormation."""
        for watcher in self._watchers:
            watcher(account, region)

    def watch_alarms(self, changed: Callable[[str, str], None]) -> None:
        """See `ports.Neighbours`."""
        self._alarm_watchers.append(changed)

    def alarms_changed(self, account: str, region: str) -> None:
        """Tell the watchers; called on the event-loop thread after a request to CloudWatch or CloudFormation."""
        for watcher in self._alarm_watchers:
            watcher(account, region)

    def watch_queues(self, changed: Callable[[], None]) -> None:
        """See `ports.Neighbours`."""
        self._queue_watchers.append(changed)

    def queues_changed(self) -> None:
        """Tell the watchers; called on the event-loop thread."""
        for watcher in self._queue_watchers:
            watcher()

    def parameter(self, account: str, region: str, name: str) -> str | None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            found = self.world.backend("ssm", account, region).get_parameter(name)
            if found is None:
                return None
            value = found.decrypt(found.value) if found.parameter_type == "SecureString" else found.value
            return str(value)

    def secret(self, account: str, region: str, secret_id: str, stage: str, version: str) -> str | None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            backend = self.world.backend("secretsmanager", account, region)
            from moto.secretsmanager.exceptions import SecretsManagerClientError  # noqa: PLC0415 - see `MotoWorld`

            try:
                found = backend.get_secret_value(secret_id, version, stage)
            except SecretsManagerClientError:
                return None
            document = found if isinstance(found, dict) else json.loads(found)
            return str(document["SecretString"]) if document.get("SecretString") is not None else None

    def assume_role(self, account: str, region: str, role_arn: str, session_name: str) -> RoleCredentials:
        """See `ports.Neighbours`. Where keys tell no accounts, those of other accounts have the account's number."""
        with self.world.lock:
            role = self.world.backend("sts", account, "aws").assume_role(region, session_name, role_arn, "", 21600, "")
        self.world.save_soon("sts", "iam")
        known = self._keys_tell_accounts or account == self.world.default_account
        key = role.access_key_id if known else account
        return RoleCredentials(key, role.secret_access_key, role.session_token)

    def create_log_stream(
        self, account: str, region: str, group: str, stream: str | None, *, create_group: bool
    ) -> None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            logs = self.world.backend("logs", account, region)
            if group not in logs.groups:
                if not create_group:
                    raise LogGroupNotFoundError(group)
                logs.create_log_group(group, {})
            if stream is not None and stream not in logs.groups[group].streams:
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

    def namespaces(self, account: str, region: str) -> dict[str, str]:
        """See `ports.Neighbours`. Cloud Map that nobody has used is not imported to learn that it is empty."""
        with self.world.lock:
            if (account, region) not in self.world.places("servicediscovery"):
                return {}
            found = self.world.backend("servicediscovery", account, region).namespaces.values()
            return {item.arn: item.name for item in found}

    def object_bytes(self, account: str, bucket: str, key: str, version: str | None) -> bytes | None:
        """See `ports.Neighbours`."""
        with self.world.lock:
            backend = self.world.backend("s3", account, "aws")
            if bucket not in backend.buckets:
                return None
            found = backend.get_object(bucket, key, version)
            return None if found is None else bytes(found.value)

    def alarms(self, account: str, region: str, names: Sequence[str]) -> list[MetricAlarm]:
        """See `ports.Neighbours`. CloudWatch that nobody has used is not imported to learn that it is empty."""
        with self.world.lock:
            if (account, region) not in self.world.places("cloudwatch"):
                return []
            found = self.world.backend("cloudwatch", account, region).alarms
            return [_alarm(found[name]) for name in names if name in found]

    def put_events(self, events: Sequence[BusEvent]) -> None:
        """See `ports.Neighbours`. moto's own PutEvents would give each event another id."""
        with self.world.lock:
            places = self.world.places("events")
            known = [event for event in events if (event.account, event.region) in places]
            for event in known:
                buses = self.world.backend("events", event.account, event.region).event_buses
                for rule in buses["default"].rules.values():
                    _send(rule, event)
            if known:
                self.world.save(untouched=("ec2", "iam"))

    def _ec2(self, account: str, region: str) -> Any:
        return self.world.backend("ec2", account, region)

    def _subnets(self, account: str, region: str) -> list[Any]:
        zones = self._ec2(account, region).subnets.values()
        return [subnet for zone in zones for subnet in zone.values()]


def _send(rule: Any, event: BusEvent) -> None:
    """Let a rule of moto's match the event. A target that fails (a queue that is gone) does not keep it from others."""
    if rule.state != "ENABLED":
        return
    transformed = any(target.get("InputTransformer") for target in rule.targets)
    message: dict[str, Any] = {
        "version": "0",
        "id": event.id,
        "detail-type": event.detail_type,
        "source": event.source,
        "account": event.account,
        "time": int(event.at.timestamp()),
        "region": event.region,
        "resources": list(event.resources),
        "detail": dict(event.detail),
    }
    if transformed:  # moto's default template lacks account and resources: it is used only where a rule has its own
        message["ingestion-time"] = event.at.timestamp()
    try:
        rule.send_to_targets(message, transform_input=transformed)
    except Exception:  # noqa: BLE001 - moto's own code: EventBridge gives an undeliverable event up, too
        _LOG.exception("an event could not be delivered", rule=rule.name, event_id=event.id)


def _subnet(item: Any) -> Subnet:
    vpc = item.ec2_backend.vpcs[item.vpc_id]
    return Subnet(item.id, item.vpc_id, item.availability_zone, item.cidr_block, vpc.cidr_block)


def _alarm(item: Any) -> MetricAlarm:
    return MetricAlarm(item.name, item.state_value, float((item.period or 0) * (item.evaluation_periods or 0)))


def _instance(backend: Any, item: Any) -> Instance:
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
        profile=_profile(backend.iam_instance_profile_associations.get(item.id)),
        tokens_required=item.metadata_options.http_tokens == "required",
        tags=tags,
    )


def _profile(association: Any) -> InstanceProfile | None:
    if association is None:
        return None
    profile = association.iam_instance_profile
    return InstanceProfile(profile.arn, profile.id, next((role.arn for role in profile.roles), None))
