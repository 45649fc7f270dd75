"""The neighbours as moto keeps them, in this process; a service is imported when it is first needed."""

from collections.abc import Sequence
from typing import Any

from emulator.neighbours.ports import Subnet, SubnetNotFoundError

_ZONES = 3


class MotoNeighbours:
    """Answers the container services' questions from moto's backends."""

    def zones(self, region: str) -> list[str]:
        """The region's first three zones; moto's own regions have at least as many, with few exceptions."""
        return [f"{region}{letter}" for letter in "abc"[:_ZONES]]

    def subnets(self, account: str, region: str, subnet_ids: Sequence[str]) -> list[Subnet]:
        """The subnets in the order asked; SubnetNotFoundError where one does not exist."""
        known = {subnet.id: subnet for subnet in self._all(account, region)}
        missing = next((subnet_id for subnet_id in subnet_ids if subnet_id not in known), None)
        if missing is not None:
            raise SubnetNotFoundError(missing)
        return [known[subnet_id] for subnet_id in subnet_ids]

    def default_subnets(self, account: str, region: str) -> list[Subnet]:
        """The default subnet of each zone."""
        return sorted(self._all(account, region), key=lambda subnet: subnet.zone)

    def _all(self, account: str, region: str) -> list[Subnet]:
        from moto.ec2.models import ec2_backends  # noqa: PLC0415 - costs a second: only who needs EC2 pays

        backend: Any = ec2_backends[account][region]
        return [
            Subnet(
                subnet.id,
                subnet.vpc_id,
                subnet.availability_zone,
                subnet.cidr_block,
                backend.get_vpc(subnet.vpc_id).cidr_block,
            )
            for by_zone in backend.subnets.values()
            for subnet in by_zone.values()
        ]
