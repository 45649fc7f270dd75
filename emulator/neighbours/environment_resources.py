"""`environment_ports.EnvironmentResources` over moto's backends: the parts of network and IAM; groups and balancers beside them."""

from collections.abc import Callable, Sequence
from typing import Any

from emulator.neighbours.elbv2 import MotoLoadBalancers
from emulator.neighbours.environment_balancers import EnvironmentBalancers
from emulator.neighbours.environment_groups import EnvironmentGroups
from emulator.neighbours.environment_logs import EnvironmentLogs
from emulator.neighbours.environment_ports import Place, Tags
from emulator.neighbours.environment_tags import EnvironmentTags
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.queues import EnvironmentQueues

_SAVED = "compute"


class MotoEnvironmentResources(
    EnvironmentGroups, EnvironmentBalancers, EnvironmentQueues, EnvironmentTags, EnvironmentLogs
):
    """Makes and removes what environments need.

    Args:
        neighbours: whose world that is.
        control: the load balancers.
        trusted: whether the service can assume the role of an ARN, by its trust policy; None where nobody asks.

    """

    def __init__(
        self,
        neighbours: MotoNeighbours,
        control: MotoLoadBalancers,
        trusted: Callable[[str, str], bool] | None = None,
    ) -> None:
        self._trusted = trusted
        EnvironmentGroups.__init__(self, neighbours)
        EnvironmentBalancers.__init__(self, neighbours.world, control)
        EnvironmentQueues.__init__(self, neighbours.world)
        EnvironmentTags.__init__(self, neighbours.world)
        EnvironmentLogs.__init__(self, neighbours.world)

    def keep(self) -> None:
        """See `EnvironmentResources`."""
        self._world.save_waiting()

    def network(self, place: Place, vpc_id: str | None, subnets: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """See `EnvironmentResources`."""
        if subnets:
            found = self._neighbours.subnets(place.account, place.region, subnets)
        else:
            found = self._neighbours.default_subnets(place.account, place.region)
        return vpc_id or found[0].vpc_id, tuple(subnet.id for subnet in found)

    def security_group(self, place: Place, name: str, description: str, vpc_id: str, tags: Tags) -> str:
        """See `EnvironmentResources`."""
        with self._world.lock:
            ec2 = self._world.backend("ec2", place.account, place.region)
            found = ec2.get_security_group_from_name(name, vpc_id)
            if found is None:
                found = ec2.create_security_group(name, description, vpc_id=vpc_id, tags={"Name": name, **tags})
                ec2.authorize_security_group_ingress(found.id, "tcp", "80", "80", [{"CidrIp": "0.0.0.0/0"}])
        self._world.save_soon(_SAVED)
        return str(found.id)

    def delete_security_group(self, place: Place, group_id: str) -> None:
        """See `EnvironmentResources`. Instances that are terminated hold it for moto's eyes no more."""
        from moto.core.exceptions import ServiceException  # noqa: PLC0415 - moto is imported at first use only

        with self._world.lock:
            ec2 = self._world.backend("ec2", place.account, place.region)
            if ec2.get_security_group_from_id(group_id) is not None:
                try:
                    ec2.delete_security_group(group_id=group_id)
                except ServiceException:
                    return  # somebody else holds it
        self._world.save_soon(_SAVED)

    def allocate_address(self, place: Place, tags: Tags) -> str:
        """See `EnvironmentResources`."""
        with self._world.lock:
            ec2 = self._world.backend("ec2", place.account, place.region)
            for address in ec2.addresses:
                its = {tag["key"]: tag["value"] for tag in address.get_tags()}
                if all(its.get(key) == value for key, value in tags.items()):
                    return str(address.public_ip)
            made = ec2.allocate_address("vpc", tags=dict(tags))
        self._world.save_soon(_SAVED)
        return str(made.public_ip)

    def associate_address(self, place: Place, address: str, instance_id: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            ec2 = self._world.backend("ec2", place.account, place.region)
            found = _address(ec2, address)
            if found is not None and found.instance is not None and found.instance.id == instance_id:
                return
            if found is not None:
                instance = ec2.get_instance(instance_id)
                ec2.associate_address(instance, address=address, reassociate=True)
        self._world.save_soon(_SAVED)

    def release_address(self, place: Place, address: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            ec2 = self._world.backend("ec2", place.account, place.region)
            found = _address(ec2, address)
            if found is None:
                return
            if found.association_id:
                ec2.disassociate_address(association_id=found.association_id)
            ec2.release_address(allocation_id=found.allocation_id)
        self._world.save_soon(_SAVED)

    def instance_profile_role(self, place: Place, profile: str) -> str | None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            name = profile.rpartition("/")[2]
            found = self._iam(place).instance_profiles
            known = next((item for item in found.values() if item.name == name), None)
            if known is None:
                return None
            return str(known.roles[0].arn) if known.roles else ""

    def role_arn(self, place: Place, role: str) -> str | None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            name = role.rpartition("/")[2]
            found = next((item for item in self._iam(place).roles.values() if item.name == name), None)
            if found is None:
                return None
            arn, trust = str(found.arn), str(found.assume_role_policy_document)
        return arn if self._trusted is None or self._trusted(arn, trust) else None

    def _iam(self, place: Place) -> Any:
        return self._world.backend("iam", place.account, "aws")


def _address(ec2: Any, public_ip: str) -> Any:
    return next((item for item in ec2.addresses if item.public_ip == public_ip), None)
