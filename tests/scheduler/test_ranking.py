"""Whatever happens to a fleet, its indexes decide exactly what a rescan of every host decides."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scheduler.constraints.base import Constraint
from scheduler.constraints.distinct_instance import DistinctInstance
from scheduler.constraints.member_of import MemberOf
from scheduler.decisions import SHOWN, closest_match, explain
from scheduler.fleet import Fleet
from scheduler.model import Demand, Node
from scheduler.placement import SERVICE_DEFAULT, Placement, place
from scheduler.ranking import Question
from scheduler.strategies.base import Strategy
from scheduler.strategies.binpack import Binpack
from scheduler.strategies.random import Random
from scheduler.strategies.spread import Spread
from tests.scheduler import rescan
from tests.scheduler.fleets import demand, demands, fleet_of, node
from tests.scheduler.rescan import PlainFleet, Task

ZONE = Spread("attribute:ecs.availability-zone")
ORDERS: list[tuple[Strategy, ...]] = [
    (),
    (Random(),),
    SERVICE_DEFAULT,
    (Spread("host"),),
    (Binpack("memory"),),
    (Binpack("cpu"), ZONE),
    (Spread("instanceId"), ZONE, Binpack("memory")),
    (ZONE, Spread("attribute:rack"), Binpack("cpu"), Random(), Spread("instanceId")),
]
RULES: list[tuple[Constraint, ...]] = [
    (),
    (DistinctInstance(),),
    (MemberOf("attribute:ecs.availability-zone in [a, b]"),),
    (MemberOf("runningTasksCount < 2"), DistinctInstance()),
    (MemberOf("not(task:group == service:db)"),),
]
orders, rules, seeds = st.sampled_from(ORDERS), st.sampled_from(RULES), st.integers(0, 2**62)
hosts = st.builds(
    node,
    st.integers(0, 14),
    st.sampled_from(["a", "b", "c"]),
    cpu=st.sampled_from([256, 1024, 2048]),
    memory=st.sampled_from([512, 4096]),
    status=st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "DRAINING"]),
    agent_connected=st.sampled_from([True, True, True, False]),
    attributes=st.sampled_from([{}, {"rack": "1"}, {"rack": "2"}]),
    gpus=st.integers(0, 2),
    agent_version=st.sampled_from(["", "1.90.0"]),
    capacity_provider=st.sampled_from([None, "spot"]),
)
host_ids = st.integers(0, 14).map("host/{}".format)
task_ids = st.integers(0, 25).map("task/{}".format)


def test_only_what_changed_is_judged_anew() -> None:
    judged: list[str] = []

    class Watched(Random):
        def key(self, node: object, demand: Demand) -> int:
            judged.append(str(getattr(node, "id", "")))
            return super().key(node, demand)  # type: ignore[arg-type]  # it does not look

    fleet, order = fleet_of(*(node(number) for number in range(50))), (Watched(),)
    place(fleet, demand(), 2, (), order, 1)
    assert len(judged) == 51
    judged.clear()
    fleet.hold("task", "host/7", demand())
    fleet.put_node(replace(node(8), status="DRAINING"))
    fleet.put_node(node(9))
    fleet.hold("task", "host/7", demand())
    place(fleet, demand(), 0, (), order, 1)
    assert {"host/7", "host/8"} <= set(judged)
    assert len(judged) <= 3, "the two hosts, and the one that the first placement tried"


class Fleets(RuleBasedStateMachine):
    """A fleet and its plain twin live through the same."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet, self.twin, self.number = Fleet(), PlainFleet(), 0

    @rule(found=st.lists(hosts, min_size=1, max_size=8))
    def hosts_come_or_change(self, found: list[Node]) -> None:
        for facts in found:
            self.fleet.put_node(facts)
            self.twin.facts[facts.id] = facts

    @rule(node_id=host_ids)
    def a_host_goes(self, node_id: str) -> None:
        self.fleet.remove_node(node_id)
        self.twin.facts.pop(node_id, None)

    @rule(task_id=task_ids, node_id=host_ids, asked=demands, counts=st.booleans(), running=st.booleans())
    def a_task_holds(self, task_id: str, node_id: str, asked: Demand, *, counts: bool, running: bool) -> None:
        self.hold(task_id, Task(node_id, asked, counts, running))

    @rule(task_id=task_ids)
    def a_task_is_gone(self, task_id: str) -> None:
        self.fleet.release(task_id)
        self.twin.tasks.pop(task_id, None)

    @rule(asked=demands, count=st.integers(1, 12), given_rules=rules, order=orders, seed=seeds, keep=st.booleans())
    def tasks_are_placed(
        self, asked: Demand, count: int, given_rules: list[Constraint], order: list[Strategy], seed: int, *, keep: bool
    ) -> None:
        placement = place(self.fleet, asked, count, given_rules, order, seed)
        plain = rescan.place(self.twin.nodes(), asked, count, given_rules, order, seed)
        assert placement == plain
        assert list(placement.refusals) == list(plain.refusals)
        _agrees_with_itself(placement)
        for node_id in placement.node_ids if keep else ():
            self.number += 1
            self.hold(f"placed/{self.number}", Task(node_id, asked))

    @invariant()
    def hosts_are_the_same(self) -> None:
        assert list(self.fleet.nodes()) == self.twin.nodes()
        assert len(self.fleet) == len(self.twin.facts)

    def hold(self, task_id: str, task: Task) -> None:
        """In both."""
        self.fleet.hold(task_id, task.node_id, task.demand, counts=task.counts, running=task.running)
        if self.twin.tasks.get(task_id) != task:
            self.twin.tasks.pop(task_id, None)
            self.twin.tasks[task_id] = task


def _agrees_with_itself(placement: Placement) -> None:
    for decision in placement.decisions:
        record = decision.to_dict()
        assert record["fit"] + sum(entry["hosts"] for entry in record["refused"]) == record["hosts"]
        assert len(record["keys"]) == min(SHOWN, record["fit"])
        assert len(record["refusals"]) == min(SHOWN, record["hosts"] - record["fit"])
        assert (decision.chosen is None) == (record["fit"] == 0) == (decision.tied == 0)
        told = explain(record)
        if decision.chosen is not None:
            assert f"was placed on {decision.chosen.rpartition('/')[2]}." in told
            assert f"{record['fit']} fit" in told
        elif record["hosts"]:
            assert "could not be placed" in told
            nearest = closest_match(decision)
            assert nearest is None or nearest[0] in placement.refusals


TestFleets = Fleets.TestCase
TestFleets.settings = settings(max_examples=60, stateful_step_count=30)


@given(st.lists(orders, min_size=20, max_size=20), st.integers(1, 3))
def test_more_questions_than_are_remembered_have_the_same_answers(
    order: list[tuple[Strategy, ...]], zones: int
) -> None:
    hosts = [node(number, "abc"[number % zones]) for number in range(6)]
    fleet = fleet_of(*hosts)
    for number, strategies in enumerate(order):
        asked = demand(cpu=number)
        assert place(fleet, asked, 3, (), strategies, 7) == rescan.place(hosts, asked, 3, (), strategies, 7)


def test_a_record_stays_small_in_a_large_fleet() -> None:
    fleet = fleet_of(*(node(number, cpu=128 if number % 2 else 2048) for number in range(400)))
    record = place(fleet, demand(), 1, (), SERVICE_DEFAULT, 1).decisions[0].to_dict()
    assert (record["hosts"], record["fit"], record["refused"][0]["hosts"]) == (400, 200, 200)
    assert len(record["keys"]) == len(record["refusals"]) == SHOWN
    assert "lowest of 200 hosts" in explain(record)


def test_hosts_that_come_and_go_leave_nothing_behind() -> None:
    fleet, asked = fleet_of(node(0)), demand()
    for number in range(1, 500):
        fleet.put_node(node(number))
        fleet.remove_node(node(number).id)
        assert place(fleet, asked, 1, (), (), number).node_ids == ("host/0",)
    ranking = fleet.ranking(Question(asked))
    assert ranking.node("host/0") == node(0)
