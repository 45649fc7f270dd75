"""Which shared load balancer a service's route goes to: the fullest that has room, else another one."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_SERVICES = 25
"""Services of Express mode, and routes of a gateway, that share a load balancer."""


@dataclass(frozen=True, slots=True)
class SharedBalancer:
    """A load balancer that services share."""

    id: str
    vpc_id: str
    public: bool
    zones: frozenset[str]
    """Where it has subnets."""
    routes: int
    """How many services it has."""


@dataclass(frozen=True, slots=True)
class RouteDemand:
    """What a route needs."""

    vpc_id: str
    public: bool
    zones: frozenset[str]
    """Where the service's tasks may run."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One that is there."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Another:
    """One more has to be made."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Neither is possible."""

    reason: str


def choose(
    balancers: Sequence[SharedBalancer], demand: RouteDemand, most: int | None = None
) -> Chosen | Another | Refused:
    """Where the route goes.

    Args:
        balancers: all load balancers of the owner.
        demand: what the route needs.
        most: how many load balancers the owner may have; None for any number.

    """
    alike = [item for item in balancers if (item.vpc_id, item.public) == (demand.vpc_id, demand.public)]
    uncovered = [item for item in alike if not demand.zones <= item.zones]
    if uncovered:  # the first service of a VPC decides on the zones of all that follow
        missing = sorted(demand.zones - uncovered[0].zones)
        return Refused(f"the load balancer of this VPC has no subnets in {', '.join(missing)}")
    roomy = [item for item in alike if item.routes < MOST_SERVICES]
    if roomy:
        best = max(roomy, key=lambda item: (item.routes, item.id))
        return Chosen(best.id, f"it has {best.routes} of {MOST_SERVICES} services")
    if most is not None and len(balancers) >= most:
        return Refused(f"all {len(balancers)} load balancers of at most {most} are taken")
    return Another("each load balancer of this VPC is full" if alike else "this VPC has no load balancer of this kind")
