"""The reference: placement as ECS describes it, looking at every host for every task. Slow, and plainly right.

What `scheduler` decides with its indexes must be exactly this, and the benchmark measures against it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from scheduler.constraints.base import Constraint
from scheduler.decisions import Decision
from scheduler.model import Demand, Node
from scheduler.placement import Placement
from scheduler.ranking import ALWAYS, draw
from scheduler.strategies.base import Strategy
from scheduler.strategies.binpack import Binpack
from scheduler.strategies.random import Random
from scheduler.strategies.spread import Spread


@dataclass(frozen=True, slots=True)
class Task:
    """What holds something."""

    node_id: str
    demand: Demand
    counts: bool = True
    running: bool = False


@dataclass(slots=True)
class PlainFleet:
    """Hosts and tasks; what is left of a host is summed up when asked."""

    facts: dict[str, Node] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)

    def nodes(self) -> list[Node]:
        """All hosts as they are."""
        return [_occupied(facts, self.on(facts.id)) for facts in self.facts.values()]

    def on(self, node_id: str) -> list[Task]:
        """The tasks of a host."""
        return [task for task in self.tasks.values() if task.node_id == node_id]


def _occupied(facts: Node, tasks: Sequence[Task]) -> Node:
    demands = [task.demand for task in tasks]
    return replace(
        facts,
        remaining_cpu=facts.cpu - sum(demand.cpu for demand in demands),
        remaining_memory=facts.memory - sum(demand.memory for demand in demands),
        tcp_ports=facts.tcp_ports.union(*(demand.tcp_ports for demand in demands)),
        udp_ports=facts.udp_ports.union(*(demand.udp_ports for demand in demands)),
        gpus=facts.gpus - sum(demand.gpus for demand in demands),
        enis=facts.enis - sum(demand.needs_eni for demand in demands),
        groups=tuple(task.demand.group for task in tasks if task.counts),
        running_tasks=sum(task.running for task in tasks),
    )


def _with_one_more(node: Node, demand: Demand) -> Node:
    return replace(
        node,
        remaining_cpu=node.remaining_cpu - demand.cpu,
        remaining_memory=node.remaining_memory - demand.memory,
        tcp_ports=node.tcp_ports | demand.tcp_ports,
        udp_ports=node.udp_ports | demand.udp_ports,
        gpus=node.gpus - demand.gpus,
        enis=node.enis - demand.needs_eni,
        groups=(*node.groups, demand.group),
    )


def place(
    hosts: Sequence[Node],
    demand: Demand,
    count: int,
    constraints: Sequence[Constraint],
    strategies: Sequence[Strategy],
    seed: int,
) -> Placement:
    """As `scheduler.placement.place`, from the hosts as they are."""
    nodes = {node.id: node for node in hosts}
    decisions = []
    chosen: list[str] = []
    for index in range(count):
        refused, keys = _judge(list(nodes.values()), demand, (*ALWAYS, *constraints), strategies)
        best = min(keys.values(), default=())
        tied = [node_id for node_id, key in keys.items() if key == best]
        choice = tied[draw(seed + index, len(tied))] if tied else None
        names = tuple(strategy.name for strategy in strategies)
        decisions.append(Decision.of(demand.group, refused, names, keys, seed=seed + index, chosen=choice))
        if choice is None:
            refusals = {host: reason for host, (_, reason) in refused.items()}
            return Placement(tuple(chosen), refusals, tuple(decisions))
        chosen.append(choice)
        nodes[choice] = _with_one_more(nodes[choice], demand)
    return Placement(tuple(chosen), {}, tuple(decisions))


def _in_order(
    keys: Mapping[str, tuple[int, ...]], nodes: Sequence[Node], strategies: Sequence[Strategy]
) -> dict[str, tuple[int, ...]]:
    """Best first; equal hosts pool by pool, the pool whose best host came first before others, then as they came."""
    place = {node.id: number for number, node in enumerate(nodes)}
    pool = {
        node.id: tuple(node.value(strategy.shared_by) for strategy in strategies if strategy.shared_by is not None)
        for node in nodes
    }
    first: dict[tuple[str | None, ...], int] = {}
    for host in sorted(keys, key=lambda host: (keys[host], place[host])):
        first.setdefault(pool[host], place[host])
    ordered = sorted(keys, key=lambda host: (keys[host], first[pool[host]], place[host]))
    return {host: keys[host] for host in ordered}


def _judge(
    nodes: Sequence[Node], demand: Demand, checks: Sequence[Constraint], strategies: Sequence[Strategy]
) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[int, ...]]]:
    """Host → why not, and host → keys."""
    refused: dict[str, tuple[str, str]] = {}
    fitting: list[Node] = []
    for node in nodes:
        found = _first_refusal(node, demand, checks)
        if found is None:
            fitting.append(node)
        else:
            refused[node.id] = found
    ratings = [_rating(strategy, nodes, fitting, demand) for strategy in strategies]
    keys = {node.id: tuple(rating[node.id] for rating in ratings) for node in fitting}
    return refused, _in_order(keys, nodes, strategies)


def _first_refusal(node: Node, demand: Demand, checks: Sequence[Constraint]) -> tuple[str, str] | None:
    for check in checks:
        reason = check.refusal(node, demand)
        if reason is not None:
            return check.name, reason
    return None


def _rating(strategy: Strategy, fleet: Sequence[Node], fitting: Sequence[Node], demand: Demand) -> Mapping[str, int]:
    match strategy:
        case Spread(name):
            load: Counter[str | None] = Counter()
            for node in fleet:  # full hosts too: they crowd their zone
                if node.groups:
                    load[node.value(name)] += node.groups.count(demand.group)
            return {node.id: load[node.value(name)] for node in fitting}
        case Binpack("cpu"):
            return {node.id: node.remaining_cpu for node in fitting}
        case Binpack("memory"):
            return {node.id: node.remaining_memory for node in fitting}
        case Random():
            return dict.fromkeys((node.id for node in fitting), 0)
    message = f"no reference for {strategy.name}"
    raise NotImplementedError(message)
