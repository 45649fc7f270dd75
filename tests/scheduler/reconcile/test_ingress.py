"""Which shared load balancer a route goes to."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.ingress import (
    MOST_SERVICES,
    Another,
    Chosen,
    Refused,
    RouteDemand,
    SharedBalancer,
    choose,
)

ZONES = st.frozensets(st.sampled_from("abc"), min_size=1)
VPCS = st.sampled_from(["vpc-1", "vpc-2"])
BALANCERS = st.lists(
    st.builds(
        SharedBalancer,
        id=st.uuids().map(str),
        vpc_id=VPCS,
        public=st.booleans(),
        zones=ZONES,
        routes=st.integers(0, MOST_SERVICES),
    ),
    max_size=6,
)
DEMANDS = st.builds(RouteDemand, vpc_id=VPCS, public=st.booleans(), zones=ZONES)


@given(BALANCERS, DEMANDS, st.none() | st.integers(1, 8))
def test_a_route_goes_only_where_it_fits_and_room_is(
    balancers: list[SharedBalancer], demand: RouteDemand, most: int | None
) -> None:
    found = choose(balancers, demand, most)
    assert found.reason
    if isinstance(found, Chosen):
        (one,) = (item for item in balancers if item.id == found.id)
        assert (one.vpc_id, one.public) == (demand.vpc_id, demand.public)
        assert one.routes < MOST_SERVICES
        assert demand.zones <= one.zones
    if isinstance(found, Another):
        assert most is None or len(balancers) < most


@given(BALANCERS, DEMANDS)
def test_another_one_is_made_only_where_none_has_room(balancers: list[SharedBalancer], demand: RouteDemand) -> None:
    alike = [item for item in balancers if (item.vpc_id, item.public) == (demand.vpc_id, demand.public)]
    if isinstance(choose(balancers, demand), Another):
        assert all(item.routes == MOST_SERVICES for item in alike)


@given(DEMANDS, st.integers(1, 120))
def test_services_of_a_vpc_use_as_few_load_balancers_as_can_hold_them(demand: RouteDemand, services: int) -> None:
    balancers: list[SharedBalancer] = []
    for number in range(services):
        match choose(balancers, demand):
            case Chosen(id=chosen):
                balancers = [
                    SharedBalancer(item.id, item.vpc_id, item.public, item.zones, item.routes + (item.id == chosen))
                    for item in balancers
                ]
            case Another():
                balancers.append(SharedBalancer(str(number), demand.vpc_id, demand.public, demand.zones, 1))
            case Refused(reason):
                raise AssertionError(reason)
    assert len(balancers) == -(-services // MOST_SERVICES)


def test_the_fullest_one_comes_first_and_zones_are_the_first_services_own() -> None:
    demand = RouteDemand("vpc-1", public=True, zones=frozenset("ab"))
    few = SharedBalancer("few", "vpc-1", public=True, zones=frozenset("ab"), routes=3)
    many = SharedBalancer("many", "vpc-1", public=True, zones=frozenset("abc"), routes=20)
    assert choose([few, many], demand) == Chosen("many", "it has 20 of 25 services")
    elsewhere = RouteDemand("vpc-1", public=True, zones=frozenset("ad"))
    assert choose([few], elsewhere) == Refused("the load balancer of this VPC has no subnets in d")
    other = RouteDemand("vpc-1", public=False, zones=frozenset("d"))
    assert choose([few], other) == Another("this VPC has no load balancer of this kind")
    assert choose([few], other, most=1) == Refused("all 1 load balancers of at most 1 are taken")
