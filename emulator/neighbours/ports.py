"""What the container services need from the neighbours (EC2, logs, IAM …). Values only; `emulator.neighbours` answers with moto."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a VPC."""

    id: str
    vpc_id: str
    zone: str
    cidr: str
    vpc_cidr: str


@dataclass(frozen=True, slots=True)
class InstanceProfile:
    """What gives an instance's programs a role."""

    arn: str
    id: str
    role_arn: str | None
    """None where the profile has no role."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance."""

    id: str
    instance_type: str
    zone: str
    state: str
    """pending, running, shutting-down, terminated, stopping or stopped."""
    private_ip: str
    vpc_id: str
    subnet_id: str
    image_id: str
    user_data: str
    """Decoded text; empty where none was given."""
    auto_scaling_group: str | None
    """The name of the group that launched it."""
    profile: InstanceProfile | None = None
    tokens_required: bool = False
    """Its metadata is given to requests with a token only (HttpTokens: required)."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleCredentials:
    """Temporary credentials of a role; never logged."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)


class SubnetNotFoundError(Exception):
    """A subnet does not exist; `subnet_id` says which."""

    def __init__(self, subnet_id: str) -> None:
        super().__init__(f"The subnet ID '{subnet_id}' does not exist")
        self.subnet_id = subnet_id


class LogGroupNotFoundError(Exception):
    """A log group does not exist."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line for CloudWatch Logs."""

    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """A CloudWatch alarm."""

    name: str
    state: str
    """OK, ALARM or INSUFFICIENT_DATA."""
    seconds: float
    """Of metrics that it judges: period by evaluation periods; 0 for a composite alarm."""


@dataclass(frozen=True, slots=True)
class BusEvent:
    """An event of a service for EventBridge's default bus."""

    id: str
    at: datetime
    account: str
    region: str
    source: str
    """Such as `aws.ecr`."""
    detail_type: str
    resources: tuple[str, ...]
    detail: Mapping[str, Any]


class Neighbours(Protocol):
    """Sync and in process; called on the event-loop thread, also inside transactions. Importing a service costs a moment once."""

    def subnets(self, account: str, region: str, subnet_ids: Sequence[str]) -> list[Subnet]:
        """The subnets in the order asked.

        Raises:
            SubnetNotFoundError: one does not exist.

        """

    def default_subnets(self, account: str, region: str) -> list[Subnet]:
        """The default subnet of each zone, in the zones' order."""

    def zones(self, region: str) -> list[str]:
        """The region's availability zones in order, without loading EC2."""

    def instances(self, account: str, region: str) -> list[Instance]:
        """Every EC2 instance that is still described (terminated ones included)."""

    def instance(self, account: str, region: str, instance_id: str) -> Instance | None:
        """One EC2 instance; None where there is none of this id."""

    def instance_places(self) -> list[tuple[str, str]]:
        """Each account and region that may have instances, without loading EC2."""

    def keep(self) -> None:
        """Return once all that was changed here outlives this process: call it before a row tells of it."""

    def watch_instances(self, changed: Callable[[str, str], None]) -> None:
        """Call `changed(account, region)` whenever EC2 or Auto Scaling may have changed an instance."""

    def watch_alarms(self, changed: Callable[[str, str], None]) -> None:
        """Call `changed(account, region)` whenever a request may have changed a CloudWatch alarm."""

    def watch_queues(self, changed: Callable[[], None]) -> None:
        """Call `changed()` whenever a queue of SQS may have got a message, or one of its messages may have become visible."""

    def queues_changed(self) -> None:
        """Tell those who watch queues: after `put_events`, which may have put messages into some."""

    def parameter(self, account: str, region: str, name: str) -> str | None:
        """The value of a parameter of SSM, decrypted; None where there is none."""

    def secret(self, account: str, region: str, secret_id: str, stage: str, version: str) -> str | None:
        """A secret's text; of its newest version where `stage` and `version` are empty. None where there is none."""

    def assume_role(self, account: str, region: str, role_arn: str, session_name: str) -> RoleCredentials:
        """Fresh credentials of a role."""

    def create_log_stream(
        self, account: str, region: str, group: str, stream: str | None, *, create_group: bool
    ) -> None:
        """Make sure that the stream exists; of None that the group does.

        Raises:
            LogGroupNotFoundError: the group does not exist and `create_group` is false.

        """

    def put_log_events(self, account: str, region: str, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Append events, oldest first."""

    def last_log_event(self, account: str, region: str, group: str, stream: str) -> datetime | None:
        """The instant of the stream's newest event, to carry on from after a restart."""

    def namespaces(self, account: str, region: str) -> dict[str, str]:
        """The Cloud Map namespaces: ARN → name."""

    def object_bytes(self, account: str, bucket: str, key: str, version: str | None) -> bytes | None:
        """An object of S3, in its newest version unless told otherwise; None where there is none."""

    def alarms(self, account: str, region: str, names: Sequence[str]) -> list[MetricAlarm]:
        """Those of the CloudWatch alarms called so that exist."""

    def put_events(self, events: Sequence[BusEvent]) -> None:
        """Match events with the rules of their account's and region's bus, and send them to the targets.

        Blocks until it is saved where they went; may be called from any thread.
        """
