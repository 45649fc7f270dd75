"""Builds hosts and demands; Hypothesis strategies of both."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from scheduler.fleet import Fleet
from scheduler.model import Demand, Node

ZONES = ("a", "b", "c")


def node(number: int = 0, zone: str = "a", **facts: Any) -> Node:
    """An empty host."""
    cpu, memory = facts.pop("cpu", 2048), facts.pop("memory", 4096)
    attributes = {"ecs.availability-zone": zone, "ecs.instance-type": "t3.large", **facts.pop("attributes", {})}
    return Node(
        id=f"host/{number}",
        instance_id=f"i-{number}",
        attributes=attributes,
        cpu=cpu,
        memory=memory,
        remaining_cpu=cpu,
        remaining_memory=memory,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
        tcp_ports=frozenset({22}),
        enis=facts.pop("enis", 2),
        **facts,
    )


def fleet_of(*nodes: Node) -> Fleet:
    """A fleet of empty hosts."""
    fleet = Fleet()
    for facts in nodes:
        fleet.put_node(facts)
    return fleet


def demand(group: str = "service:web", **asked: Any) -> Demand:
    """What a task asks."""
    return Demand(group=group, **{"cpu": 256, "memory": 512, **asked})


def _fleet(zones: list[str], sizes: list[int]) -> list[Node]:
    return [node(i, zone, cpu=sizes[i], memory=2 * sizes[i]) for i, zone in enumerate(zones)]


nodes = st.builds(
    _fleet,
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=8),
    st.lists(st.sampled_from([512, 1024, 2048]), min_size=8, max_size=8),
)
demands = st.builds(
    demand,
    group=st.sampled_from(["service:web", "service:db"]),
    cpu=st.sampled_from([0, 128, 256, 700]),
    memory=st.sampled_from([64, 512, 1500]),
    tcp_ports=st.sampled_from([frozenset(), frozenset({80}), frozenset({80, 443})]),
    needs_eni=st.booleans(),
)
