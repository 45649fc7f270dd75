"""Placement: hosts are filtered, then ordered, then one is chosen; for each task anew, seeing the tasks placed before.

The order of checks is ECS's: candidates, resources, attributes, constraints; then strategies in order. Ties are broken
by a seed, so that the same question has the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scheduler.constraints.base import Constraint
from scheduler.decisions import Decision
from scheduler.fleet import Fleet, placed
from scheduler.model import Demand, Node
from scheduler.ranking import Question, first_refusal
from scheduler.strategies.base import Strategy
from scheduler.strategies.spread import Spread

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
    ranking = fleet.ranking(Question(demand, tuple(constraints), tuple(strategies)))
    decisions = []
    chosen: list[str] = []
    for index in range(count):
        decision = ranking.decide(seed + index)
        decisions.append(decision)
        if decision.chosen is None:
            return Placement(tuple(chosen), ranking.refusals(), tuple(decisions))
        chosen.append(decision.chosen)
        if index + 1 < count:
            ranking.try_on(placed(ranking.node(decision.chosen), demand))
    return Placement(tuple(chosen), {}, tuple(decisions))


def refusal(node: Node, demand: Demand, constraints: Sequence[Constraint] = ()) -> str | None:
    """Why one host cannot take a task (StartTask); None where it can."""
    found = first_refusal(node, Question(demand, tuple(constraints)))
    return None if found is None else found[1]


def fargate_zone(zones: Sequence[str], running: Mapping[str, int]) -> str:
    """The zone of a Fargate task: of the subnets' zones the one with fewest tasks of its group, else the first."""
    return min(zones, key=lambda zone: running.get(zone, 0))
