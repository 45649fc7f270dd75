"""Placement: hosts are filtered, then ordered, then one is chosen; for each task anew, seeing the tasks placed before.

The order of checks is ECS's: candidates, resources, attributes, constraints; then strategies in order. Ties are broken
by a seed, so that the same question has the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from scheduler.constraints.attributes import RequiredAttributes
from scheduler.constraints.base import Constraint
from scheduler.constraints.candidates import Active, AgentConnected, Kind, Location
from scheduler.constraints.host_ports import HostPorts
from scheduler.constraints.resources import Resources
from scheduler.decisions import Decision
from scheduler.fleet import Fleet, placed
from scheduler.model import Demand, Node
from scheduler.strategies.base import Strategy
from scheduler.strategies.spread import Spread

ALWAYS: tuple[Constraint, ...] = (
    Active(),
    AgentConnected(),
    Kind(),
    Location(),
    Resources(),
    HostPorts(),
    RequiredAttributes(),
)
"""The checks of every placement, in ECS's order; a request's own constraints follow."""

SERVICE_DEFAULT: tuple[Strategy, ...] = (Spread("attribute:ecs.availability-zone"), Spread("instanceId"))
"""What a REPLICA service without strategies gets: balanced zones, then hosts with the fewest of its tasks."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where tasks go."""

    node_ids: tuple[str, ...]
    """A host for each task placed; shorter than the count asked for where hosts ran out."""
    refusals: Mapping[str, str]
    """Where hosts ran out: host id → ECS's reason."""
    decisions: tuple[Decision, ...]
    """One for each task placed, and one for the first that could not be."""


def place(
    fleet: Fleet,
    demand: Demand,
    count: int,
    constraints: Sequence[Constraint],
    strategies: Sequence[Strategy],
    seed: int,
) -> Placement:
    """Choose hosts for `count` tasks one after another. `fleet` stays as it is: the caller holds what it keeps."""
    nodes = {node.id: node for node in fleet.nodes()}
    checks = (*ALWAYS, *constraints)
    decisions = []
    chosen: list[str] = []
    for index in range(count):
        decision = _decide(list(nodes.values()), demand, checks, strategies, seed + index)
        decisions.append(decision)
        if decision.chosen is None:
            refusals = {host: reason for host, (_, reason) in decision.refusals.items()}
            return Placement(tuple(chosen), refusals, tuple(decisions))
        chosen.append(decision.chosen)
        nodes[decision.chosen] = placed(nodes[decision.chosen], demand)
    return Placement(tuple(chosen), {}, tuple(decisions))


def refusal(node: Node, demand: Demand, constraints: Sequence[Constraint] = ()) -> str | None:
    """Why one host cannot take a task (StartTask); None where it can."""
    found = _first_refusal(node, demand, (*ALWAYS, *constraints))
    return None if found is None else found[1]


def _first_refusal(node: Node, demand: Demand, checks: Sequence[Constraint]) -> tuple[str, str] | None:
    for check in checks:
        reason = check.refusal(node, demand)
        if reason is not None:
            return check.name, reason
    return None


def _decide(
    nodes: Sequence[Node], demand: Demand, checks: Sequence[Constraint], strategies: Sequence[Strategy], seed: int
) -> Decision:
    refusals: dict[str, tuple[str, str]] = {}
    fitting: list[Node] = []
    for node in nodes:
        found = _first_refusal(node, demand, checks)
        if found is None:
            fitting.append(node)
        else:
            refusals[node.id] = found
    ratings = [strategy.rating(nodes, fitting, demand) for strategy in strategies]
    keys = {node.id: tuple(rating[node.id] for rating in ratings) for node in fitting}
    best = min(keys.values(), default=())
    tied = [node_id for node_id, key in keys.items() if key == best]
    return Decision(
        group=demand.group,
        hosts=len(nodes),
        refusals=refusals,
        strategies=tuple(strategy.name for strategy in strategies),
        keys=keys,
        tied=len(tied),
        seed=seed,
        chosen=tied[_draw(seed, len(tied))] if tied else None,
    )


def _draw(seed: int, count: int) -> int:
    """An even draw from `range(count)` that depends on the seed alone."""
    return int.from_bytes(blake2b(seed.to_bytes(16, "big"), digest_size=8).digest(), "big") % count


def fargate_zone(zones: Sequence[str], running: Mapping[str, int]) -> str:
    """The zone of a Fargate task: of the subnets' zones the one with fewest tasks of its group, else the first."""
    return min(zones, key=lambda zone: running.get(zone, 0))
