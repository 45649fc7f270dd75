"""The scheduler's picture of one cluster: its hosts, and the tasks that hold something on them.

A task holds its resources from its placement until it is STOPPED; it counts in its group until it is told to stop. Both
are told apart here, because ECS tells them apart: a stopping task still blocks its port, but no longer a
`distinctInstance` constraint.

The fleet also keeps the rankings of the last questions asked. It notes which hosts changed, last changed last, and
brings a ranking up to date when it is asked for again: the price is that of the hosts that changed in between.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from scheduler.model import Demand, Node
from scheduler.ranking import Question, Ranking

_RANKINGS = 16
"""How many questions are remembered. A ranking costs some 350 bytes a host."""


@dataclass(slots=True)
class _Held:
    node_id: str
    demand: Demand
    counted: bool
    running: bool


@dataclass(slots=True)
class _Host:
    order: int
    """Its place among the hosts: they stand in the order in which they came."""
    facts: Node
    """The host when nothing runs on it."""
    view: Node | None = None
    """The host as it is; made again when asked for after a change."""


class Fleet:
    """Hosts and what is held on them. Every method may be repeated: it says how things are, not what changes."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._held: dict[str, _Held] = {}
        self._tasks: dict[str, dict[str, _Held]] = {}
        """By host; also those of hosts that are not known (yet, or any more)."""
        self._came = 0
        self._version = 0
        self._changed: dict[str, int] = {}
        """Host id → the version that changed it last, in the order of versions."""
        self._zones: frozenset[str] | None = None
        """Those of ACTIVE hosts; None after a host changed."""
        self._rankings: dict[Question, Ranking] = {}
        """Last used last."""

    def put_node(self, facts: Node) -> None:
        """Add or renew a host; `facts` describes it empty (what tasks hold is subtracted here)."""
        host = self._hosts.get(facts.id)
        if host is None:
            self._hosts[facts.id] = _Host(self._came, facts)
            self._came += 1
        elif host.facts == facts:
            return
        else:
            host.facts, host.view = facts, None
        self._zones = None
        self._note(facts.id)

    def remove_node(self, node_id: str) -> None:
        """Forget a host. Its tasks stay known until they are released."""
        if self._hosts.pop(node_id, None) is None:
            return
        self._zones = None
        self._note(node_id)
        if len(self._changed) > 2 * len(self._hosts) + _RANKINGS:  # mostly hosts that are gone
            self._rankings.clear()
            self._changed = {known: version for known, version in self._changed.items() if known in self._hosts}

    def hold(self, task_id: str, node_id: str, demand: Demand, *, counts: bool = True, running: bool = False) -> None:
        """Say that a task holds `demand` on a host, whether it counts in its group, and whether it is RUNNING."""
        held = _Held(node_id, demand, counts, running)
        if self._held.get(task_id) == held:
            return
        self.release(task_id)
        self._held[task_id] = held
        self._tasks.setdefault(node_id, {})[task_id] = held
        host = self._hosts.get(node_id)
        if host is not None:
            if host.view is not None:
                host.view = placed(host.view, demand, counts=counts, running=running)
            self._note(node_id)

    def release(self, task_id: str) -> None:
        """Say that a task holds nothing any more."""
        held = self._held.pop(task_id, None)
        if held is None:
            return
        tasks = self._tasks[held.node_id]
        del tasks[task_id]
        if not tasks:
            del self._tasks[held.node_id]
        host = self._hosts.get(held.node_id)
        if host is not None:
            host.view = None
            self._note(held.node_id)

    def node(self, node_id: str) -> Node | None:
        """A host as it is now."""
        host = self._hosts.get(node_id)
        return None if host is None else self._view(host)

    def nodes(self) -> Iterator[Node]:
        """All hosts as they are now, in the order in which they came."""
        return (self._view(host) for host in self._hosts.values())

    def zones(self) -> frozenset[str]:
        """The zones of ACTIVE hosts; asked for at every change of a service, so kept until a host changes."""
        if self._zones is None:
            facts = (host.facts for host in self._hosts.values())
            self._zones = frozenset(node.zone for node in facts if node.zone and node.status == "ACTIVE")
        return self._zones

    def __len__(self) -> int:
        return len(self._hosts)

    def ranking(self, question: Question) -> Ranking:
        """The hosts as `question` ranks them now. Valid until the fleet changes."""
        ranking = self._rankings.pop(question, None) or Ranking(question)
        if len(self._rankings) == _RANKINGS:
            del self._rankings[next(iter(self._rankings))]
        self._rankings[question] = ranking
        for node_id in ranking.tried.union(self._changed_since(ranking.version)):
            host = self._hosts.get(node_id)
            if host is None:
                ranking.drop(node_id)
            else:
                ranking.put(host.order, self._view(host))
        ranking.tried.clear()
        ranking.version = self._version
        return ranking

    def _note(self, node_id: str) -> None:
        self._version += 1
        self._changed.pop(node_id, None)
        self._changed[node_id] = self._version

    def _changed_since(self, version: int) -> Iterator[str]:
        for node_id, changed in reversed(self._changed.items()):
            if changed <= version:
                return
            yield node_id

    def _view(self, host: _Host) -> Node:
        if host.view is None:
            host.view = _occupied(host.facts, self._tasks.get(host.facts.id, {}).values())
        return host.view


def placed(node: Node, demand: Demand, *, counts: bool = True, running: bool = False) -> Node:
    """`node` with one more task of `demand`."""
    return _occupied(node, (_Held(node.id, demand, counts, running),))


def _occupied(node: Node, tasks: Collection[_Held]) -> Node:
    """`node` with what `tasks` hold taken from it, in one go."""
    if not tasks:
        return node
    cpu, memory, gpus, enis, running = 0, 0, 0, 0, 0
    tcp_ports, udp_ports = node.tcp_ports, node.udp_ports
    groups: list[str] = []
    for task in tasks:
        demand = task.demand
        cpu += demand.cpu
        memory += demand.memory
        gpus += demand.gpus
        enis += demand.needs_eni
        running += task.running
        if demand.tcp_ports:
            tcp_ports |= demand.tcp_ports
        if demand.udp_ports:
            udp_ports |= demand.udp_ports
        if task.counted:
            groups.append(demand.group)
    return Node(  # every field by name: dataclasses.replace takes twice as long
        id=node.id,
        instance_id=node.instance_id,
        attributes=node.attributes,
        cpu=node.cpu,
        memory=node.memory,
        remaining_cpu=node.remaining_cpu - cpu,
        remaining_memory=node.remaining_memory - memory,
        registered_at=node.registered_at,
        status=node.status,
        agent_connected=node.agent_connected,
        agent_version=node.agent_version,
        tcp_ports=tcp_ports,
        udp_ports=udp_ports,
        gpus=node.gpus - gpus,
        enis=node.enis - enis,
        groups=(*node.groups, *groups),
        running_tasks=node.running_tasks + running,
        capacity_provider=node.capacity_provider,
    )
