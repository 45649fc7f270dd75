"""What the container services need from the neighbours (EC2, logs, IAM …). Values only; `emulator.neighbours` answers with moto."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a VPC."""

    id: str
    vpc_id: str
    zone: str
    cidr: str
    vpc_cidr: str


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

    def instance_places(self) -> list[tuple[str, str]]:
        """Each account and region that may have instances, without loading EC2."""

    def watch_instances(self, changed: Callable[[str, str], None]) -> None:
        """Call `changed(account, region)` whenever EC2 or Auto Scaling may have changed an instance."""

    def create_log_stream(self, account: str, region: str, group: str, stream: str, *, create_group: bool) -> None:
        """Make sure that the stream exists.

        Raises:
            LogGroupNotFoundError: the group does not exist and `create_group` is false.

        """

    def put_log_events(self, account: str, region: str, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Append events, oldest first."""

    def last_log_event(self, account: str, region: str, group: str, stream: str) -> datetime | None:
        """The instant of the stream's newest event, to carry on from after a restart."""
