"""What must hold of every placement there could be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.constraints.base import Constraint
from scheduler.constraints.distinct_instance import DistinctInstance
from scheduler.constraints.member_of import MemberOf
from scheduler.decisions import closest_match, explain
from scheduler.fleet import Fleet
from scheduler.model import Demand, Node
from scheduler.placement import SERVICE_DEFAULT, Placement, fargate_zone, place, refusal
from scheduler.strategies.base import Strategy
from scheduler.strategies.binpack import Binpack
from scheduler.strategies.random import Random
from scheduler.strategies.spread import Spread
from tests.scheduler.fleets import ZONES, demand, demands, fleet_of, node, nodes

STRATEGIES: list[tuple[Strategy, ...]] = [
    (),
    (Random(),),
    (Spread("instanceId"),),
    SERVICE_DEFAULT,
    (Binpack("cpu"),),
    (Spread("attribute:ecs.availability-zone"), Binpack("memory")),
]
strategies = st.sampled_from(STRATEGIES)
constraints = st.sampled_from([(), (DistinctInstance(),), (MemberOf("attribute:ecs.availability-zone in [a, b]"),)])
seeds = st.integers(0, 2**62)


def held(fleet: Fleet, asked: Demand, placement: Placement) -> Fleet:
    """The fleet once what was placed is held."""
    for number, node_id in enumerate(placement.node_ids):
        fleet.hold(f"task/{asked.group}/{number}", node_id, asked)
    return fleet


@given(nodes, demands, st.integers(1, 30), constraints, strategies, seeds)
def test_no_host_is_ever_over_capacity_and_no_port_is_taken_twice(
    hosts: list[Node], asked: Demand, count: int, rules: list[Constraint], order: list[Strategy], seed: int
) -> None:
    placement = place(fleet_of(*hosts), asked, count, rules, order, seed)
    fleet = held(fleet_of(*hosts), asked, placement)
    for host in fleet.nodes():
        assert host.remaining_cpu >= 0
        assert host.remaining_memory >= 0
        assert host.enis >= 0
    if asked.tcp_ports:
        assert max(Counter(placement.node_ids).values(), default=0) <= 1


@given(nodes, demands, st.integers(1, 12), strategies, seeds)
def test_constraints_hold_of_every_task(
    hosts: list[Node], asked: Demand, count: int, order: list[Strategy], seed: int
) -> None:
    rules = (DistinctInstance(), MemberOf("attribute:ecs.availability-zone == a"))
    placement = place(fleet_of(*hosts), asked, count, rules, order, seed)
    assert len(set(placement.node_ids)) == len(placement.node_ids)
    zones = {host.id: host.zone for host in hosts}
    assert {zones[node_id] for node_id in placement.node_ids} <= {"a"}


@given(nodes, demands, st.integers(1, 12), constraints, strategies, seeds)
def test_the_same_question_has_the_same_answer_and_changes_nothing(
    hosts: list[Node], asked: Demand, count: int, rules: list[Constraint], order: list[Strategy], seed: int
) -> None:
    fleet = fleet_of(*hosts)
    before = list(fleet.nodes())
    first = place(fleet, asked, count, rules, order, seed)
    assert place(fleet, asked, count, rules, order, seed) == first
    assert list(fleet.nodes()) == before


@given(st.integers(1, 6), st.integers(1, 18), seeds)
def test_spread_differs_by_at_most_one_where_it_can(hosts_per_zone: int, count: int, seed: int) -> None:
    hosts = [node(3 * i + j, zone) for i in range(hosts_per_zone) for j, zone in enumerate(ZONES)]
    placement = place(fleet_of(*hosts), demand(cpu=1, memory=1), count, (), SERVICE_DEFAULT, seed)
    zone_of = {host.id: host.zone for host in hosts}
    by_zone = Counter(dict.fromkeys(ZONES, 0))
    by_zone.update(str(zone_of[node_id]) for node_id in placement.node_ids)
    assert max(by_zone.values()) - min(by_zone.values()) <= 1
    by_host = Counter({host.id: 0 for host in hosts})
    by_host.update(placement.node_ids)
    assert max(by_host.values()) - min(by_host.values()) <= 1


@given(nodes, demands, st.integers(1, 40), seeds)
def test_a_zone_is_behind_by_more_than_one_only_where_it_is_full(
    hosts: list[Node], asked: Demand, count: int, seed: int
) -> None:
    placement = place(fleet_of(*hosts), asked, count, (), SERVICE_DEFAULT, seed)
    zone_of = {host.id: host.zone for host in hosts}
    by_zone = Counter(zone_of[node_id] for node_id in placement.node_ids)
    fleet = held(fleet_of(*hosts), asked, placement)
    with_room = {host.zone for host in fleet.nodes() if refusal(host, asked) is None}
    assert all(by_zone[zone] >= max(by_zone.values(), default=0) - 1 for zone in with_room)


@given(st.integers(2, 6), st.integers(1, 20), seeds)
def test_binpack_opens_no_new_host_while_a_used_one_has_room(hosts: int, count: int, seed: int) -> None:
    placement = place(fleet_of(*(node(i) for i in range(hosts))), demand(), count, (), (Binpack("memory"),), seed)
    assert len(set(placement.node_ids)) == -(-len(placement.node_ids) // 8)  # 8 tasks of 256/512 fill 2048/4096


@given(nodes, demands, st.integers(1, 12), constraints, strategies, seeds)
def test_the_record_agrees_with_the_placement(
    hosts: list[Node], asked: Demand, count: int, rules: list[Constraint], order: list[Strategy], seed: int
) -> None:
    placement = place(fleet_of(*hosts), asked, count, rules, order, seed)
    chosen = [decision.chosen for decision in placement.decisions if decision.chosen is not None]
    assert tuple(chosen) == placement.node_ids
    for decision in placement.decisions:
        record = decision.to_dict()
        assert record["fit"] + sum(entry["hosts"] for entry in record["refused"]) == record["hosts"] == len(hosts)
        assert explain(record)
        if decision.chosen is not None:
            assert decision.best[0][1] == min(keys for _, keys in decision.best)


@pytest.mark.parametrize(
    ("host", "asked", "reason", "phrase"),
    [
        (node(cpu=128), demand(), "RESOURCE:CPU", "has insufficient CPU units available"),
        (node(memory=128), demand(), "RESOURCE:MEMORY", "has insufficient memory available"),
        (node(), demand(tcp_ports=frozenset({22})), "RESOURCE:PORTS", "is already using a port required by your task"),
        (node(enis=0), demand(needs_eni=True), "RESOURCE:ENI", "has insufficient ENI available"),
        (node(), demand(gpus=1), "RESOURCE:GPU", "has insufficient GPU available"),
        (
            node(),
            demand(required_attributes=frozenset({"ecs.capability.efs"})),
            "ATTRIBUTE",
            "is missing an attribute required by your task",
        ),
        (node(agent_connected=False), demand(), "AGENT", "doesn't have the agent connected"),
        (node(), demand(zones=frozenset({"z"})), "LOCATION", 'encountered error "LOCATION"'),
    ],
)
def test_refusals_in_ecs_words(host: Node, asked: Demand, reason: str, phrase: str) -> None:
    assert refusal(host, asked) == reason
    placement = place(fleet_of(host), asked, 1, (), (), 1)
    assert placement.refusals == {host.id: reason}
    assert closest_match(placement.decisions[0]) == (host.id, phrase)


def test_without_hosts_there_is_no_closest_match() -> None:
    assert closest_match(place(Fleet(), demand(), 1, (), (), 1).decisions[0]) is None


def test_a_task_told_to_stop_holds_its_port_but_leaves_its_group() -> None:
    fleet = fleet_of(node())
    asked = demand(tcp_ports=frozenset({80}))
    fleet.hold("task", "host/0", asked, counts=False)
    found = fleet.node("host/0")
    assert found is not None
    assert refusal(found, asked) == "RESOURCE:PORTS"
    assert DistinctInstance().refusal(found, asked) is None
    fleet.release("task")
    assert fleet.node("host/0") == node()


@given(
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    st.dictionaries(st.sampled_from(ZONES), st.integers(0, 9)),
)
def test_fargate_takes_the_emptiest_zone(zones: list[str], running: dict[str, int]) -> None:
    assert running.get(fargate_zone(zones, running), 0) == min(running.get(zone, 0) for zone in zones)
