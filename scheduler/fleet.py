"""The scheduler's picture of one cluster: its hosts, and the tasks that hold something on them.

A task holds its resources from its placement until it is STOPPED; it counts in its group until it is told to stop. Both
are told apart here, because ECS tells them apart: a stopping task still blocks its port, but no longer a
`distinctInstance` constraint.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from scheduler.model import Demand, Node


@dataclass(slots=True)
class _Held:
    node_id: str
    demand: Demand
    counted: bool
    running: bool


@dataclass(slots=True)
class _Host:
    facts: Node
    """The host when nothing runs on it."""
    tasks: dict[str, _Held] = field(default_factory=dict)
    view: Node | None = None
    """The host as it is; made again after a change."""


class Fleet:
    """Hosts and what is held on them. Every method may be repeated: it says how things are, not what changes."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._held: dict[str, _Held] = {}
        self._groups: dict[str, Counter[str]] = {}

    def put_node(self, facts: Node) -> None:
        """Add or renew a host; `facts` describes it empty (what tasks hold is subtracted here)."""
        host = self._hosts.get(facts.id)
        if host is not None:
            host.facts, host.view = facts, None
            return
        tasks = {task_id: held for task_id, held in self._held.items() if held.node_id == facts.id}
        self._hosts[facts.id] = _Host(facts, tasks)

    def remove_node(self, node_id: str) -> None:
        """Forget a host. Its tasks stay known until they are released."""
        self._hosts.pop(node_id, None)

    def hold(self, task_id: str, node_id: str, demand: Demand, *, counts: bool = True, running: bool = False) -> None:
        """Say that a task holds `demand` on a host, whether it counts in its group, and whether it is RUNNING."""
        self.release(task_id)
        held = self._held[task_id] = _Held(node_id, demand, counts, running)
        if counts:
            self._groups.setdefault(demand.group, Counter())[node_id] += 1
        host = self._hosts.get(node_id)
        if host is not None:
            host.tasks[task_id] = held
            host.view = None

    def release(self, task_id: str) -> None:
        """Say that a task holds nothing any more."""
        held = self._held.pop(task_id, None)
        if held is None:
            return
        if held.counted:
            counts = self._groups[held.demand.group]
            counts[held.node_id] -= 1
            if not counts[held.node_id]:
                del counts[held.node_id]
                if not counts:
                    del self._groups[held.demand.group]
        host = self._hosts.get(held.node_id)
        if host is not None:
            host.tasks.pop(task_id, None)
            host.view = None

    def node(self, node_id: str) -> Node | None:
        """A host as it is now."""
        host = self._hosts.get(node_id)
        return None if host is None else _view(host)

    def nodes(self) -> Iterator[Node]:
        """All hosts as they are now, in the order in which they came."""
        return (_view(host) for host in self._hosts.values())

    def group_counts(self, group: str) -> Counter[str]:
        """Host id → tasks of `group` that count there."""
        return Counter(self._groups.get(group, {}))

    def __len__(self) -> int:
        return len(self._hosts)


def _view(host: _Host) -> Node:
    if host.view is None:
        host.view = _occupied(host.facts, list(host.tasks.values()))
    return host.view


def _occupied(facts: Node, tasks: list[_Held]) -> Node:
    demands = [held.demand for held in tasks]
    return replace(
        facts,
        remaining_cpu=facts.cpu - sum(demand.cpu for demand in demands),
        remaining_memory=facts.memory - sum(demand.memory for demand in demands),
        tcp_ports=facts.tcp_ports.union(*(demand.tcp_ports for demand in demands)),
        udp_ports=facts.udp_ports.union(*(demand.udp_ports for demand in demands)),
        gpus=facts.gpus - sum(demand.gpus for demand in demands),
        enis=facts.enis - sum(demand.needs_eni for demand in demands),
        groups=tuple(held.demand.group for held in tasks if held.counted),
        running_tasks=sum(held.running for held in tasks),
    )


def placed(node: Node, demand: Demand) -> Node:
    """`node` with one more task of `demand`."""
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
