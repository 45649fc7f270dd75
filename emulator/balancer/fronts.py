"""What the data plane serves beside ELBv2's load balancers: environments of Elastic Beanstalk, by their names.

A name may stand for a load balancer (an alias), or for a front of its own, before a single instance. What a host's port stands
for may be another port of it: behind an instance's port 80 is the application's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.balancer.model import Field, LoadBalancer
from emulator.balancer.pools import Pool


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """Files that the proxy of an instance serves itself."""

    path: str
    """Of URLs, from `/` on: this one and all below it."""
    folder: str
    """Of this machine."""


@dataclass(frozen=True, slots=True)
class Fronts:
    """All of them."""

    balancers: tuple[LoadBalancer, ...] = ()
    pools: Mapping[str, Pool] = field(default_factory=dict)
    """By the ARN of their group."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Name (lower case) → the DNS name of a load balancer (lower case)."""
    ports: Mapping[str, str] = field(default_factory=dict)
    """`HOST:PORT` → `HOST:PORT` where it really is."""
    static: Mapping[str, tuple[StaticFiles, ...]] = field(default_factory=dict)
    """`HOST:PORT` where an application really is → the files that the proxy before it serves, the longest path first."""
    logged: frozenset[str] = frozenset()
    """ARNs of groups whose requests are told to whoever watches: before their targets stands a proxy that keeps a log."""

    def names_of(self, balancer: LoadBalancer) -> tuple[str, ...]:
        """Further names of a load balancer: those that stand for it, and the hosts that its rules are for."""
        owned = {name for name, owner in self.aliases.items() if owner == balancer.dns_name.lower()}
        return tuple(sorted(owned | _hosts_of(balancer)))


def _hosts_of(balancer: LoadBalancer) -> set[str]:
    """The host names, without wildcards, of its rules: whoever asks for one at a port that is shared means this one."""
    return {
        value.lower()
        for listener in balancer.listeners
        for rule in listener.rules
        for condition in rule.conditions
        if condition.field is Field.HOST
        for value in condition.values
        if not {"*", "?"} & set(value)
    }
