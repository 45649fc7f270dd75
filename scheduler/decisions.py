"""Why a placement came out as it did: the funnel of hosts, the keys of each strategy, the tie-break, the host chosen.

ECS has no weighted score, so there is none here: strategies compare in order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 50
"""For how many hosts a record keeps each reason and each key; counts cover all."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One placement, or one refusal."""

    group: str
    hosts: int
    """How many hosts the cluster has."""
    refusals: Mapping[str, tuple[str, str]]
    """Host id → (check, ECS's reason), for every host that fell out."""
    strategies: tuple[str, ...]
    keys: Mapping[str, tuple[int, ...]]
    """Host id → its key for each strategy in order, for every host that fits."""
    tied: int
    """How many hosts had the best keys; the seed chose among them."""
    seed: int
    chosen: str | None

    def to_dict(self) -> dict[str, Any]:
        """The record in JSON's types."""
        checks = Counter(self.refusals.values())
        best = sorted(self.keys.items(), key=lambda item: item[1])
        return {
            "group": self.group,
            "hosts": self.hosts,
            "fit": len(self.keys),
            "refused": [
                {"check": check, "reason": reason, "hosts": count} for (check, reason), count in checks.items()
            ],
            "refusals": [
                {"host": host, "check": check, "reason": reason}
                for host, (check, reason) in list(self.refusals.items())[:_SHOWN]
            ],
            "strategies": list(self.strategies),
            "keys": [{"host": host, "keys": list(keys)} for host, keys in best[:_SHOWN]],
            "tied": self.tied,
            "seed": str(self.seed),
            "chosen": self.chosen,
        }


_PHRASES = {
    "RESOURCE:CPU": "has insufficient CPU units available",
    "RESOURCE:MEMORY": "has insufficient memory available",
    "RESOURCE:PORTS": "is already using a port required by your task",
    "RESOURCE:ENI": "has insufficient ENI available",  # (unconfirmed)
    "RESOURCE:GPU": "has insufficient GPU available",  # (unconfirmed)
    "ATTRIBUTE": "is missing an attribute required by your task",
    "AGENT": "doesn't have the agent connected",
}
_LATEST = (
    "memberOf",
    "distinctInstance",
    "requiredAttributes",
    "hostPorts",
    "resources",
    "location",
    "kind",
    "agentConnected",
    "active",
)


def closest_match(decision: Decision) -> tuple[str, str] | None:
    """The host that came nearest and what it lacks, as a service event words it; None where there is no host."""
    for check in _LATEST:
        for host, (failed, reason) in decision.refusals.items():
            if failed == check and reason not in {"DRAINING", "INACTIVE"}:
                return host, _PHRASES.get(reason, f'encountered error "{reason}"')
    return None


def explain(record: Mapping[str, Any]) -> str:
    """A decision record (`Decision.to_dict`) in words."""
    lines = [_verdict(record), _funnel(record)]
    if record["chosen"] is not None and record["strategies"]:
        lines.append(_preference(record))
    if record["tied"] > 1:
        lines.append(f"{record['tied']} hosts were equal; the seed {record['seed']} chose among them.")
    return "\n".join(lines)


def _short(host: str) -> str:
    return host.rpartition("/")[2]


def _verdict(record: Mapping[str, Any]) -> str:
    if record["chosen"] is None:
        return f"A task of {record['group']} could not be placed."
    return f"A task of {record['group']} was placed on {_short(record['chosen'])}."


def _funnel(record: Mapping[str, Any]) -> str:
    if not record["hosts"]:
        return "The cluster has no hosts."
    refused = ", ".join(
        f"{entry['hosts']} refused by {entry['check']} ({entry['reason']})" for entry in record["refused"]
    )
    return f"{record['hosts']} hosts, {record['fit']} fit" + (f": {refused}." if refused else ".")


def _preference(record: Mapping[str, Any]) -> str:
    names: Sequence[str] = record["strategies"]
    best = record["keys"][0]
    keys = ", ".join(f"{name} = {key}" for name, key in zip(names, best["keys"], strict=True))
    rest = len(record["keys"]) - 1
    return f"Strategies in order: {keys} (lowest of {rest + 1} hosts)." if rest else f"Strategies in order: {keys}."
