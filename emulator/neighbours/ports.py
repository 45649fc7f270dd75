"""What the container services need from the neighbours . Values only; `emulator.neighbours` answers with moto."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a VPC."""

    id: str
    vpc_id: str
    zone: str
    cidr: str
    vpc_cidr: str


class SubnetNotFoundError(Exception):
    """A subnet does not exist; `subnet_id` says which."""

    def __init__(self, subnet_id: str) -> None:
        super().__init__(f"The subnet ID '{subnet_id}' does not exist")
        self.subnet_id = subnet_id


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
