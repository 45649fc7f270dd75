"""Every host of a fleet as one question sees it: refused and why, or fit and how good; kept in step host by host.

A placement changes one host, so one host is judged anew, however many there are. What makes that enough:

- Hosts that fit stand on *shelves*, one for each combination of values that the strategies pool hosts by (a zone, say).
  The pool's rating is the same for the whole shelf and changes for all of it at once; it is kept apart, as a sum.
- On its shelf a host stands sorted by its own keys, then by its place in the fleet, so the best are always in front.
- The best hosts are those in front of the best shelves: a decision looks at shelves, which are few, not at hosts.
"""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter

from scheduler.constraints.attributes import RequiredAttributes
from scheduler.constraints.base import Constraint
from scheduler.constraints.candidates import Active, AgentConnected, Kind, Location
from scheduler.constraints.host_ports import HostPorts
from scheduler.constraints.resources import Resources
from scheduler.decisions import SHOWN, Decision, Rated, Refusal, Refused
from scheduler.model import Demand, Node
from scheduler.shelves import Keys, Shelf, nth, take
from scheduler.strategies.base import Strategy

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

Verdict = tuple[str, str]
"""The check that refused a host, and ECS's reason."""
Pools = tuple[str | None, ...]
"""The value by which each strategy that pools does so."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a placement asks."""

    demand: Demand
    constraints: tuple[Constraint, ...] = ()
    strategies: tuple[Strategy, ...] = ()


def first_refusal(node: Node, question: Question) -> Verdict | None:
    """The first check that refuses the host; None where it fits."""
    demand = question.demand
    for checks in (ALWAYS, question.constraints):
        for check in checks:
            reason = check.refusal(node, demand)
            if reason is not None:
                return check.name, reason
    return None


_Head = tuple[Keys, int, Keys, Shelf]
"""Of a shelf: the keys and the place of its first host, the ratings of its pools, itself."""


@dataclass(slots=True)
class _Entry:
    """What is known of one host."""

    order: int
    node: Node
    refusal: Verdict | None
    pools: Pools
    shares: Keys
    """What it adds to the rating of each."""
    own: Keys
    """Its keys for the other strategies."""


@dataclass(slots=True)
class Ranking:
    """The hosts of a fleet, ranked by one question."""

    question: Question
    version: int = 0
    """The version of the fleet that it shows."""
    tried: set[str] = field(default_factory=set)
    """Hosts that are shown with tasks which the fleet does not hold."""
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)
    """Place in the fleet → host."""
    _refused: dict[Verdict, list[int]] = field(default_factory=dict)
    """Places in the fleet, sorted."""
    _funnel: tuple[tuple[Refused, ...], tuple[Refusal, ...]] | None = None
    """What a decision says of refused hosts; None after one came or went."""
    _shelves: dict[Pools, Shelf] = field(default_factory=dict)
    _ratings: tuple[Counter[str | None], ...] = field(init=False)
    """For each strategy that pools: pool → sum of the keys of its hosts."""
    _pooling: tuple[Strategy, ...] = field(init=False)
    _fields: tuple[str, ...] = field(init=False)
    _rating_alone: tuple[Strategy, ...] = field(init=False)
    _in_order: Callable[[Keys], Keys] | None = field(init=False)
    _names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        strategies = self.question.strategies
        self._pooling = tuple(strategy for strategy in strategies if strategy.shared_by is not None)
        self._fields = tuple(strategy.shared_by or "" for strategy in self._pooling)
        self._rating_alone = tuple(strategy for strategy in strategies if strategy.shared_by is None)
        self._ratings = tuple(Counter() for _ in self._pooling)
        self._in_order = _in_order(strategies)
        self._names = tuple(strategy.name for strategy in strategies)

    def node(self, node_id: str) -> Node:
        """The host as the ranking shows it."""
        return self._entries[node_id].node

    def refusals(self) -> dict[str, str]:
        """Host → ECS's reason, for all refused hosts in the order of the fleet."""
        places = sorted((place, verdict[1]) for verdict, found in self._refused.items() for place in found)
        return {self._ids[place]: reason for place, reason in places}

    def try_on(self, node: Node) -> None:
        """Show a host with what it would hold; the fleet takes that back when the ranking is asked for again."""
        self.tried.add(node.id)
        self.put(self._entries[node.id].order, node)

    def put(self, order: int, node: Node) -> None:
        """Show a host as it is."""
        known = self._entries.get(node.id)
        if known is not None and known.order == order and known.node == node:
            return
        demand = self.question.demand
        entry = _Entry(
            order,
            node,
            first_refusal(node, self.question),
            tuple([node.value(name) for name in self._fields]),
            tuple([strategy.key(node, demand) for strategy in self._pooling]),
            tuple([strategy.key(node, demand) for strategy in self._rating_alone]),
        )
        self.drop(node.id)
        self._entries[node.id] = entry
        self._ids[order] = node.id
        for rating, pool, share in zip(self._ratings, entry.pools, entry.shares, strict=True):
            rating[pool] += share
        if entry.refusal is None:
            shelf = self._shelves.get(entry.pools)
            if shelf is None:
                shelf = self._shelves[entry.pools] = Shelf()
            shelf.put(entry.own, order)
        else:
            insort(self._refused.setdefault(entry.refusal, []), order)
            self._funnel = None

    def drop(self, node_id: str) -> None:
        """Forget a host."""
        entry = self._entries.pop(node_id, None)
        if entry is None:
            return
        del self._ids[entry.order]
        for rating, pool, share in zip(self._ratings, entry.pools, entry.shares, strict=True):
            rating[pool] -= share
        if entry.refusal is None:
            shelf = self._shelves[entry.pools]
            shelf.take(entry.own, entry.order)
            if not shelf.keys:
                del self._shelves[entry.pools]
        else:
            take(self._refused, entry.refusal, entry.order)
            self._funnel = None

    def decide(self, seed: int) -> Decision:
        """Choose a host for one task."""
        heads: list[_Head] = []
        in_order = self._in_order
        for pools, shelf in self._shelves.items():
            rated = tuple([rating[pool] for rating, pool in zip(self._ratings, pools, strict=True)])
            own = shelf.keys[0]
            keys = rated + own
            heads.append((keys if in_order is None else in_order(keys), shelf.places[own][0], rated, shelf))
        heads.sort()  # no two have the same place
        front = [shelf.places[shelf.keys[0]] for keys, _, _, shelf in heads if keys == heads[0][0]]
        tied = sum([len(places) for places in front])
        refused, refusals = self._told()
        return Decision(
            group=self.question.demand.group,
            hosts=len(self._entries),
            fit=len(self._entries) - sum([entry.hosts for entry in refused]),
            refused=refused,
            refusals=refusals,
            strategies=self._names,
            best=self._foremost(front, heads[0][0]) if tied >= SHOWN else self._best(heads),
            tied=tied,
            seed=seed,
            chosen=self._ids[nth(front, draw(seed, tied))] if tied else None,
        )

    def _foremost(self, front: Sequence[list[int]], keys: Keys) -> tuple[Rated, ...]:
        """The first of the equally good hosts, where they fill the record: there is nothing to sort then."""
        foremost: list[int] = []
        for places in front:
            foremost += places[: SHOWN - len(foremost)]
        return tuple([(self._ids[place], keys) for place in foremost])

    def _best(self, heads: Sequence[_Head]) -> tuple[Rated, ...]:
        """The first hosts that fit, best first; equal ones shelf by shelf."""
        in_order = self._in_order
        best: list[tuple[Keys, int, int]] = []
        for keys, first, rated, shelf in heads:
            if len(best) == SHOWN and best[-1][0] < keys:
                break
            if in_order is None:
                best += [(rated + own, first, place) for own, place in shelf.first(SHOWN)]
            else:
                best += [(in_order(rated + own), first, place) for own, place in shelf.first(SHOWN)]
            best.sort()
            del best[SHOWN:]
        return tuple([(self._ids[place], keys) for keys, _, place in best])

    def _told(self) -> tuple[tuple[Refused, ...], tuple[Refusal, ...]]:
        """What a decision says of refused hosts."""
        if self._funnel is None:
            ids = self._ids
            groups = sorted([(places[0], len(places), verdict) for verdict, places in self._refused.items()])
            first = [(place, verdict) for verdict, places in self._refused.items() for place in places[:SHOWN]]
            first.sort()
            self._funnel = (
                tuple([Refused(*verdict, hosts, ids[place]) for place, hosts, verdict in groups]),
                tuple([(ids[place], *verdict) for place, verdict in first[:SHOWN]]),
            )
        return self._funnel


def draw(seed: int, count: int) -> int:
    """An even draw from `range(count)` that depends on the seed alone."""
    return int.from_bytes(blake2b(seed.to_bytes(16, "big"), digest_size=8).digest(), "big") % count


def _in_order(strategies: Sequence[Strategy]) -> Callable[[Keys], Keys] | None:
    """From pools' ratings before own keys to the order of the strategies; None where that is the same."""
    numbers = sorted(range(len(strategies)), key=lambda number: strategies[number].shared_by is None)
    if numbers == list(range(len(strategies))):
        return None
    return itemgetter(*[numbers.index(number) for number in range(len(strategies))])
