"""The loop of managed ingress may die at any call of a neighbour, before or after it took effect: it makes nothing twice."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from emulator.ecs.express_services import create_express_gateway_service, delete_express_gateway_service
from emulator.ecs.ingress_loop import IngressLoop
from emulator.emulator import Emulator
from emulator.neighbours.environment_ports import BalancerSpec, Place, Tags, TargetGroupSpec
from emulator.neighbours.ingress_ports import HostRule, IngressSubnet, ScalingSpec
from emulator.state.ingress import ExpressServiceRow, IngressBalancerRow, IngressRouteRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane
from tests.emulator.playing import FixedNeighbours

ROLE = f"arn:aws:iam::{ACCOUNT}:role/role"
ASKED = {"executionRoleArn": ROLE, "infrastructureRoleArn": ROLE, "primaryContainer": {"image": "web:1"}}
PREFIX = "arn:aws:elasticloadbalancing:eu-west-1:1:"


class DiedError(Exception):
    """The process ended here."""


@dataclass
class FixedIngress:
    """What is there, by kind and name; asking again for what is there makes nothing."""

    made: dict[str, list[str]] = field(default_factory=dict)

    def _ensure(self, kind: str, name: str) -> str:
        names = self.made.setdefault(kind, [])
        if name not in names:
            names.append(name)
        return f"{PREFIX}{kind}/{name}"

    def _drop(self, kind: str, arn: str) -> None:
        name = arn.removeprefix(f"{PREFIX}{kind}/")
        self.made[kind] = [one for one in self.made.get(kind, []) if one != name]

    def subnets(self, _place: Place, _ids: Sequence[str]) -> list[IngressSubnet]:
        return [IngressSubnet(f"subnet-{zone}", "vpc-1", f"{REGION}{zone}", public=True) for zone in "ab"]

    def ensure_group(self, _place: Place, name: str, _text: str, _vpc: str, _tags: Tags) -> str:
        return self._ensure("group", name)

    def admit(self, _place: Place, _group: str, _port: int, _source: str | None = None) -> None:
        """Groups filter nothing here."""

    def close(self, _place: Place, _group: str, _source: str) -> None:
        """As above."""

    def delete_group(self, _place: Place, group_id: str) -> None:
        self._drop("group", group_id)

    def ensure_certificate(self, _place: Place, domain: str, _tags: Tags) -> str:
        return self._ensure("certificate", domain)

    def delete_certificate(self, _place: Place, arn: str) -> None:
        self._drop("certificate", arn)

    def target_group(self, _place: Place, spec: TargetGroupSpec, _tags: Tags) -> str:
        return self._ensure("targetgroup", spec.name)

    def delete_target_group(self, _place: Place, arn: str) -> None:
        self._drop("targetgroup", arn)

    def balancer(self, _place: Place, spec: BalancerSpec, _tags: Tags) -> tuple[str, str]:
        return self._ensure("loadbalancer", spec.name), "front.localhost"

    def set_balancer_attributes(self, _place: Place, _arn: str, _attributes: Mapping[str, str]) -> None:
        """There is nothing to see of them."""

    def set_security_groups(self, _place: Place, _arn: str, _groups: Sequence[str]) -> None:
        """As above."""

    def delete_balancer(self, _place: Place, arn: str) -> None:
        self._drop("loadbalancer", arn)
        self.made["listener"], self.made["rule"] = [], []

    def secure_listener(self, _place: Place, _balancer: str, _certificate: str, _tags: Tags) -> str:
        return self._ensure("listener", "443")

    def release_certificate(self, _place: Place, _listener: str, _certificate: str) -> None:
        """Listeners do not know their certificates here."""

    def host_rule(self, _place: Place, rule: HostRule, _tags: Tags) -> str:
        return self._ensure("rule", rule.host)

    def delete_rule(self, _place: Place, rule_arn: str) -> None:
        self._drop("rule", rule_arn)

    def ensure_scaling(self, _place: Place, spec: ScalingSpec) -> None:
        self._ensure("policy", spec.policy)

    def delete_scaling(self, _place: Place, _resource: str, policies: Sequence[str]) -> None:
        for policy in policies:
            self._drop("policy", f"{PREFIX}policy/{policy}")

    def drop_policy(self, _place: Place, _resource: str, policy: str) -> None:
        self._drop("policy", f"{PREFIX}policy/{policy}")

    def ensure_alarm(self, _place: Place, name: str, _balancer: str, _groups: Sequence[str]) -> None:
        self._ensure("alarm", name)

    def delete_alarm(self, _place: Place, name: str) -> None:
        self._drop("alarm", f"{PREFIX}alarm/{name}")

    def keep(self) -> None:
        """It is all in memory."""


class Dying:
    """Passes calls on until the process dies at one of them.

    Args:
        inner: takes the calls.
        at: the number of the call.
        after: it takes effect first.

    """

    def __init__(self, inner: FixedIngress, at: int, *, after: bool) -> None:
        self._inner, self._at, self._after, self.calls = inner, at, after, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        original = getattr(self._inner, name)

        def call(*args: Any, **members: Any) -> Any:
            self.calls += 1
            if self.calls == self._at and not self._after:
                raise DiedError
            answer = original(*args, **members)
            if self.calls == self._at:
                raise DiedError
            return answer

        return call


@contextmanager
def server() -> Iterator[tuple[Emulator, FixedIngress]]:
    emulator = control_plane()
    emulator.neighbours = FixedNeighbours()
    world = FixedIngress()
    IngressLoop(emulator, world)
    try:
        yield emulator, world
    finally:
        emulator.store.close()


def create(emulator: Emulator) -> str:
    request: Any = {**ASKED, "serviceName": "web"}
    with emulator.transaction(ACCOUNT, REGION) as context:
        return str(create_express_gateway_service(context, request)["service"]["serviceArn"])


def delete(emulator: Emulator, arn: str) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        delete_express_gateway_service(context, {"serviceArn": arn})


def run(emulator: Emulator, arn: str, world: Any) -> None:
    """As a server that has just started carries on."""
    asyncio.run(IngressLoop(emulator, world).handle([arn]))


def left(emulator: Emulator, arn: str) -> tuple[str, list[str], int]:
    """Status of the service, of its routes, and how many load balancers are known."""
    with emulator.store.begin() as session:
        routes = [row.status for row in session.query(IngressRouteRow)]
        return session.get_one(ExpressServiceRow, arn).status, routes, session.query(IngressBalancerRow).count()


def killed(emulator: Emulator, arn: str, world: FixedIngress, at: int, *, after: bool) -> bool:
    """Die at a call, then carry on; whether there was such a call."""
    dying = Dying(world, at, after=after)
    try:
        run(emulator, arn, cast("Any", dying))
    except DiedError:
        run(emulator, arn, world)
        return True
    return False


@pytest.mark.parametrize("after", [False, True])
def test_wherever_it_dies_the_same_pieces_are_there_once_and_all_go(after: bool) -> None:
    with server() as (emulator, world):
        run(emulator, create(emulator), world)
        expected = {kind: len(names) for kind, names in world.made.items()}
    assert expected == {
        "certificate": 1,
        "group": 2,
        "loadbalancer": 1,
        "listener": 1,
        "targetgroup": 2,
        "rule": 1,
        "alarm": 1,
        "policy": 1,
    }
    at, more = 1, True
    while more:
        with server() as (emulator, world):
            arn = create(emulator)
            died = killed(emulator, arn, world, at, after=after)
            assert {kind: len(names) for kind, names in world.made.items()} == expected, at
            assert left(emulator, arn) == ("ACTIVE", ["ACTIVE"], 1), at
            delete(emulator, arn)
            gone = killed(emulator, arn, world, at, after=after)
            assert {kind: names for kind, names in world.made.items() if names} == {}, at
            assert left(emulator, arn) == ("INACTIVE", [], 0), at
        more = died or gone
        at += 1
    assert at > 15
