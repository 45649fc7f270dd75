"""Why a placement came out as it did: the funnel of hosts, the keys of each strategy, the tie-break, the host chosen.

ECS has no weighted score, so there is none here: strategies compare in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

SHOWN = 10
"""How many hosts a record names with their reason or their keys; counts cover all, so that a record stays small."""


class Refused(NamedTuple):
    """All hosts that one check refused with the same reason."""

    check: str
    reason: str
    """ECS's."""
    hosts: int
    first: str
    """The first such host of the fleet."""


Refusal = tuple[str, str, str]
"""A host that was refused, the check and ECS's reason."""
Rated = tuple[str, tuple[int, ...]]
"""A host that fits, and its key for each strategy in order."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One placement, or one refusal."""

    group: str
    hosts: int
    """How many hosts the cluster has."""
    fit: int
    refused: tuple[Refused, ...]
    """The funnel, in the order of the first hosts."""
    refusals: tuple[Refusal, ...]
    """The first hosts that fell out."""
    strategies: tuple[str, ...]
    best: tuple[Rated, ...]
    """The first hosts that fit, best first; equal ones in the order in which the draw numbers them."""
    tied: int
    """How many hosts had the best keys; the seed chose among them."""
    seed: int
    chosen: str | None

    @classmethod
    def of(
        cls,
        group: str,
        refusals: Mapping[str, tuple[str, str]],
        strategies: tuple[str, ...],
        keys: Mapping[str, tuple[int, ...]],
        *,
        seed: int = 0,
        chosen: str | None = None,
    ) -> Self:
        """From what is known of each host: (check, reason) in the order of the fleet, or keys in that of the draw."""
        funnel: dict[tuple[str, str], list[str]] = {}
        for host, verdict in refusals.items():
            funnel.setdefault(verdict, []).append(host)
        best = sorted(keys.items(), key=lambda item: item[1])[:SHOWN]
        return cls(
            group=group,
            hosts=len(refusals) + len(keys),
            fit=len(keys),
            refused=tuple(Refused(*verdict, len(hosts), hosts[0]) for verdict, hosts in funnel.items()),
            refusals=tuple((host, *verdict) for host, verdict in list(refusals.items())[:SHOWN]),
            strategies=strategies,
            best=tuple(best),
            tied=sum(rated == best[0][1] for rated in keys.values()),
            seed=seed,
            chosen=chosen,
        )

    def to_dict(self) -> dict[str, Any]:
        """The record in JSON's types."""
        return {
            "group": self.group,
            "hosts": self.hosts,
            "fit": self.fit,
            "refused": [
                {"check": check, "reason": reason, "hosts": hosts} for check, reason, hosts, _first in self.refused
            ],
            "refusals": [{"host": host, "check": check, "reason": reason} for host, check, reason in self.refusals],
            "strategies": list(self.strategies),
            "keys": [{"host": host, "keys": list(keys)} for host, keys in self.best],
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
        for failed, reason, _hosts, first in decision.refused:
            if failed == check and reason not in {"DRAINING", "INACTIVE"}:
                return first, _PHRASES.get(reason, f'encountered error "{reason}"')
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
    keys = zip(record["strategies"], record["keys"][0]["keys"], strict=True)
    told = ", ".join(f"{name} = {key}" for name, key in keys)
    among = f" (lowest of {record['fit']} hosts)" if record["fit"] > 1 else ""
    return f"Strategies in order: {told}{among}."
