"""Which tasks to stop when there are too many.

What does not run goes first, then what is not healthy. Among equals the placement strategies are undone in order: spread
takes from the fullest bucket, binpack from the host that is left with most. Without strategies: the fullest zone, in it
the host with most tasks of the service.
"""

from collections import Counter
from collections.abc import Sequence

from scheduler.reconcile.service_view import ScaleInRules, ServiceTask, ServiceView

_DEFAULT = (("spread", "attribute:ecs.availability-zone"), ("spread", "instanceId"))
_Group = tuple[int, str, str]
"""Tasks that no rule tells apart: how well they are, zone, host."""


def scale_in(service: ServiceView, tasks: Sequence[ServiceTask], count: int) -> list[ServiceTask]:
    """The `count` of `tasks` that go, first the one that is missed least. Among equals the ARN decides.

    Protected tasks stay, so that there may be fewer.
    """
    groups: dict[_Group, list[ServiceTask]] = {}
    for task in sorted(tasks, key=lambda task: task.arn, reverse=True):
        if task.held:
            continue
        groups.setdefault((_wellness(service, task), task.zone, task.host), []).append(task)
    picked: Counter[str] = Counter()
    chosen: list[ServiceTask] = []
    while groups and len(chosen) < count:
        loads = _loads(groups, service.rules)
        best = min(groups, key=lambda group: (group[0], _ranks(group, loads, picked, service.rules), group[1:]))
        chosen.append(groups[best].pop())
        picked[best[2]] += 1
        if not groups[best]:
            del groups[best]
    return chosen


def _wellness(service: ServiceView, task: ServiceTask) -> int:
    return 0 if task.running_for is None else 1 + service.healthy(task)


def _loads(groups: dict[_Group, list[ServiceTask]], rules: ScaleInRules) -> list[Counter[str]]:
    """For each strategy how many tasks each bucket holds."""
    loads = []
    for kind, field in rules.strategies or _DEFAULT:
        load: Counter[str] = Counter()
        if kind == "spread":
            for group, tasks in groups.items():
                load[_bucket(group, field, rules)] += len(tasks)
        loads.append(load)
    return loads


def _ranks(group: _Group, loads: list[Counter[str]], picked: Counter[str], rules: ScaleInRules) -> tuple[int, ...]:
    """One rank for each strategy, lower goes first."""
    strategies = rules.strategies or _DEFAULT
    return tuple(
        -load[_bucket(group, field, rules)] if kind == "spread" else _left(group, kind, field, picked, rules)
        for (kind, field), load in zip(strategies, loads, strict=True)
    )


def _left(group: _Group, kind: str, field: str, picked: Counter[str], rules: ScaleInRules) -> int:
    """Less what the host would have left, so that the emptiest host is emptied first; `random` prefers none."""
    node = rules.nodes.get(group[2])
    if node is None or kind != "binpack":
        return 0
    if field.lower() == "cpu":
        return -(node.remaining_cpu + picked[node.id] * rules.cpu)
    return -(node.remaining_memory + picked[node.id] * rules.memory)


def _bucket(group: _Group, field: str, rules: ScaleInRules) -> str:
    _, zone, host = group
    if field in {"instanceId", "host"}:
        return host
    if field == "attribute:ecs.availability-zone":
        return zone
    node = rules.nodes.get(host)
    return "" if node is None else str(node.value(field))
