"""Where an Express service's tasks and load balancer stand: its subnets decide, as the developer guide says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException, UnsupportedFeatureException
from emulator.neighbours.environment_ports import Place
from emulator.neighbours.ingress_ports import IngressResources, IngressSubnet
from emulator.neighbours.ports import SubnetNotFoundError


@dataclass(frozen=True, slots=True)
class Network:
    """Subnets and security groups of a service."""

    subnets: tuple[IngressSubnet, ...]
    security_groups: tuple[str, ...]

    @property
    def vpc_id(self) -> str:
        """All subnets are of one VPC."""
        return self.subnets[0].vpc_id

    @property
    def public(self) -> bool:
        """All subnets are public, or none is."""
        return self.subnets[0].public

    @property
    def shown(self) -> dict[str, Any]:
        """As a configuration shows it."""
        return {"subnets": [item.id for item in self.subnets], "securityGroups": list(self.security_groups)}

    @property
    def of_service(self) -> dict[str, Any]:
        """`networkConfiguration` of the service."""
        assigned = "ENABLED" if self.public else "DISABLED"
        return {"awsvpcConfiguration": {**self.shown, "assignPublicIp": assigned}}


def ingress_of(context: Context) -> IngressResources:
    """What makes managed ingress.

    Raises:
        UnsupportedFeatureException: this server is built without it.

    """
    found = context.emulator.ingress
    if found is None:
        raise UnsupportedFeatureException("Not emulated: this server has no load balancers.")
    return found


def subnets_for(context: Context, subnet_ids: list[str], fewest_zones: int = 2) -> list[IngressSubnet]:
    """The subnets called so, or the default ones: of one VPC, in two zones (or `fewest_zones`), all public or all private.

    Raises:
        InvalidParameterException: they are not; texts but the first one (unconfirmed).

    """
    place = Place(context.account, context.region)
    try:
        found = ingress_of(context).subnets(place, subnet_ids)
    except SubnetNotFoundError as error:
        raise InvalidParameterException(
            f"Error retrieving subnet information for [{', '.join(subnet_ids)}]: {error} "
            "(ErrorCode: InvalidSubnetID.NotFound)"
        ) from error
    if len({item.vpc_id for item in found}) > 1:
        raise InvalidParameterException("All subnets must be in the same VPC.")
    if len({item.zone for item in found}) < fewest_zones:
        raise InvalidParameterException("At least two subnets in two different Availability Zones must be specified.")
    if len({item.public for item in found}) > 1:
        raise InvalidParameterException("Subnets must be either all public or all private.")
    return found


def network_of(context: Context, given: Mapping[str, Any] | None) -> Network:
    """What a request asks for; the default VPC's subnets where it names none."""
    asked = given or {}
    subnets = subnets_for(context, list(asked.get("subnets", [])))
    return Network(tuple(subnets), tuple(asked.get("securityGroups", [])))
