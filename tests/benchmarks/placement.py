"""Placements per second against a plain rescan, in the same run: `python -m tests.benchmarks.placement [SHARE]`.

10,000 tasks on 1,000 hosts and 100,000 on 5,000 (SHARE of both, 1 unless told), in calls of ten, each task held once it
is placed, as the emulator does; 100 hosts show how the time of one placement grows. The peer is the reference of the
tests, `tests/scheduler/rescan.py`, asked the same on the same hosts; it must give the same answer. It is slow, so it is
asked for one call only. Times are of the processor, so that what else runs on the machine counts little.
"""

import gc
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.constraints.base import Constraint
from scheduler.constraints.distinct_instance import DistinctInstance
from scheduler.constraints.member_of import MemberOf
from scheduler.fleet import Fleet
from scheduler.model import Demand
from scheduler.placement import SERVICE_DEFAULT, place
from scheduler.strategies.base import Strategy
from scheduler.strategies.binpack import Binpack
from tests.scheduler import rescan
from tests.scheduler.fleets import ZONES, demand, node

if TYPE_CHECKING:
    from scheduler.decisions import Decision

GOAL = 20_000
GROWTH = 2.0
CALL = 10
SIZES = ((100, 1_000), (1_000, 10_000), (5_000, 100_000))
"""Hosts and tasks."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked."""

    title: str
    constraints: Sequence[Constraint] = ()
    strategies: Sequence[Strategy] = SERVICE_DEFAULT
    static_port: bool = False
    one_a_host: bool = False
    """A service has room for one task a host, so it is followed by another when half the hosts have one."""


CASES = (
    Case("service defaults"),
    Case("binpack(memory)", strategies=(Binpack("memory"),)),
    Case(
        "distinctInstance, memberOf",
        (DistinctInstance(), MemberOf("attribute:ecs.availability-zone in [a, b] and runningTasksCount < 100")),
        one_a_host=True,
    ),
    Case("static host port", static_port=True, one_a_host=True),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured: seconds a placement."""

    placing: float
    recording: float
    """To make the record in JSON's types."""
    single: float
    """A call of one task, the first after a change elsewhere in the fleet."""
    peer: float


def main(share: float) -> None:
    """Measure and print."""
    _say(f"this core now: {_turns() / 1e6:.0f} million turns of an empty loop a second")
    for case in CASES:
        smallest: Figures | None = None
        for hosts, tasks in SIZES:
            figures = _measure(case, hosts, int(tasks * share))
            smallest = smallest or figures
            _report(case, hosts, int(tasks * share), figures, figures.placing / smallest.placing)
    _say(f"goals: {GOAL:,} placements/s; the time of one grows by less than x{GROWTH:g} from 100 to 5,000 hosts")


def _turns() -> float:
    """How many turns of an empty loop this core makes in a second at this moment, so that runs can be compared."""
    began = time.process_time()
    for _ in range(2_000_000):
        pass
    return 2_000_000 / (time.process_time() - began)


def _fleet(hosts: int) -> Fleet:
    fleet = Fleet()
    for number in range(hosts):
        fleet.put_node(node(number, ZONES[number % 3], cpu=16_384, memory=65_536))
    return fleet


def _measure(case: Case, hosts: int, tasks: int) -> Figures:
    fleet = _fleet(hosts)
    size = hosts // 2 if case.one_a_host else tasks
    last_decisions: deque[Decision] = deque(maxlen=1_000)
    gc.collect()
    began = time.process_time()  # once a run: where the kernel is emulated, reading this clock is slow
    for start in range(0, tasks, CALL):
        asked = _demand(case, start // size)
        placement = place(fleet, asked, CALL, case.constraints, case.strategies, start)
        for number, node_id in enumerate(placement.node_ids):
            fleet.hold(f"task/{start + number}", node_id, asked)
        if len(placement.node_ids) < CALL:
            sys.exit(f"{case.title}: no room after {start} tasks")
        last_decisions.extend(placement.decisions)
    placing = time.process_time() - began
    began = time.process_time()
    for decision in last_decisions:
        decision.to_dict()
    recording = time.process_time() - began
    last = _demand(case, (tasks - 1) // size)
    return Figures(
        placing / tasks, recording / len(last_decisions), _single(case, fleet, last), _peer(case, fleet, last)
    )


def _demand(case: Case, number: int) -> Demand:
    ports = frozenset({8_000 + number}) if case.static_port else frozenset()
    return demand(f"service:{number}", cpu=256, memory=512, tcp_ports=ports)


def _single(case: Case, fleet: Fleet, asked: Demand) -> float:
    began = time.process_time()
    for number in range(100):
        fleet.hold("elsewhere", f"host/{number % len(fleet)}", demand("family:other", cpu=1, memory=1))
        place(fleet, asked, 1, case.constraints, case.strategies, number)
    seconds = time.process_time() - began
    fleet.release("elsewhere")
    return seconds / 100


def _peer(case: Case, fleet: Fleet, asked: Demand) -> float:
    nodes = list(fleet.nodes())
    began = time.process_time()
    plain = rescan.place(nodes, asked, CALL, case.constraints, case.strategies, 1)
    seconds = time.process_time() - began
    if plain != place(fleet, asked, CALL, case.constraints, case.strategies, 1):
        sys.exit(f"{case.title}: the rescan decides otherwise")
    return seconds / CALL


def _report(case: Case, hosts: int, tasks: int, figures: Figures, growth: float) -> None:
    speed = 1 / figures.placing
    _say(
        f"{case.title:26} {tasks:7,} on {hosts:5,} hosts: {speed:7,.0f}/s (x{speed / GOAL:.2f} of the goal), "
        f"x{figures.peer * speed:.0f} of the rescan, time x{growth:.2f} of that on {SIZES[0][0]}; "
        f"{figures.recording * 1e6:.1f} us a record, {figures.single * 1e6:.0f} us a call of one"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
