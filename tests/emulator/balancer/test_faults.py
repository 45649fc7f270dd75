"""What cannot be carried out is found and left out, so that Caddy takes the rest: by a table, and with rules of any kind."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.balancer.caddy import Site
from emulator.balancer.faults import fault_of, without_faults
from emulator.balancer.matcher import Request
from emulator.balancer.model import (
    Action,
    Condition,
    Field,
    FixedResponse,
    Forward,
    NotCarriedOut,
    Redirect,
    Rule,
    Share,
)
from emulator.balancer.plane import CaddyPlane, Sockets
from emulator.balancer.pools import Backend, Pool
from emulator.balancer.process import find_caddy
from emulator.balancer.refusals import refused_rules
from tests.emulator.balancer.routers import RealRouter, ask_socket, real_router
from tests.emulator.balancer.scenes import balancer, group, listener, rule

OK = FixedResponse(200, body="ok")
PATH = Condition(Field.PATH, ("/a",))
PLAIN = Request("GET", "/a", "", "example.com", (), "10.0.0.1")
real_caddy = pytest.mark.skipif(find_caddy() is None, reason="no Caddy for this platform")


@pytest.mark.parametrize(
    ("conditions", "action", "reason"),
    [
        ((PATH,), OK, None),
        ((), OK, "it has no condition"),
        ((Condition(Field.HOST),), OK, "its host-header condition has no value"),
        ((PATH, Condition(Field.SOURCE_IP, ("10.0.0.0/8", "10.1/16"))), OK, "'10.1/16' is no CIDR block"),
        ((Condition(Field.SOURCE_IP, ("10.0.0.1", "fe80::1/64", "10.0.0.0/255.0.0.0")),), OK, None),
        ((Condition(Field.SOURCE_IP, ("fe80::%eth0/64",)),), OK, "'fe80::%eth0/64' is no CIDR block"),
        (
            (Condition(Field.HEADER, ("\ud800",), header="a"),),
            OK,
            "its http-header condition is no text that could be sent",
        ),
        ((PATH,), Forward((Share("a", 1000),)), "the weight of a target group must be between 0 and 999"),
        ((PATH,), Forward((Share("a"),), 604_801), "stickiness must last between 1 and 604800 seconds"),
        ((PATH,), FixedResponse(99), "a response cannot have the status 99"),
        ((PATH,), Redirect(302, path="/\udfff"), "its redirect is no text that could be sent"),
        ((PATH,), NotCarriedOut("authenticate-oidc"), None),  # answered, by 501
    ],
)
def test_a_fault_of_a_rule(conditions: tuple[Condition, ...], action: Action, reason: str | None) -> None:
    assert fault_of(rule(1, action, *conditions)) == reason


def test_a_default_rule_that_cannot_be_carried_out_answers_that_it_cannot() -> None:
    bad = rule(None, FixedResponse(99))
    kept, faults = without_faults(balancer(listener(rule(1, OK, PATH), rule(2, OK), bad)))
    assert [one.priority for one in kept.listeners[0].rules] == [1, None]
    assert kept.listeners[0].rules[1].action == NotCarriedOut("default", "a response cannot have the status 99")
    assert [one.priority for one in faults] == [2, None]


# Caddy takes what is left

texts = st.text(st.characters(exclude_categories=()), max_size=20) | st.text(
    st.sampled_from("\\.+*?()|[]{}^$-/:#%&=~\0\n\r\t\"'<>é\U0010ffff\ud800"), max_size=20
)
networks = st.sampled_from(
    ["10.0.0.0/8", "10.0.0.1/8", "1.2.3.4", "::1", "fe80::%1/64", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "a"]
)
numbers = st.integers() | st.integers(0, 1000)
conditions = st.one_of(
    st.builds(
        Condition, st.sampled_from([Field.PATH, Field.HOST, Field.METHOD]), st.lists(texts, max_size=3).map(tuple)
    ),
    st.builds(Condition, st.just(Field.HEADER), st.lists(texts, max_size=3).map(tuple), header=texts),
    st.builds(
        Condition, st.just(Field.QUERY), pairs=st.lists(st.tuples(st.none() | texts, texts), max_size=3).map(tuple)
    ),
    st.builds(Condition, st.just(Field.SOURCE_IP), st.lists(texts | networks, max_size=3).map(tuple)),
)
shares = st.builds(Share, st.sampled_from([group().arn, group("other").arn]), st.integers(-1, 1200))
actions = st.one_of(
    st.builds(FixedResponse, numbers, texts, texts),
    st.builds(Redirect, st.sampled_from([301, 302]), texts, texts, texts, texts, texts),
    st.builds(Forward, st.lists(shares, min_size=1, max_size=3).map(tuple), st.none() | numbers),
    st.builds(NotCarriedOut, texts.filter(lambda text: text.isprintable())),
)
names = st.sampled_from(
    ["stickiness.enabled", "stickiness.type", "stickiness.lb_cookie.duration_seconds", "load_balancing.algorithm.type"]
)
attributes = st.dictionaries(
    names, st.sampled_from(["true", "lb_cookie", "weighted_random"]) | texts | numbers.map(str)
)


@pytest.fixture(scope="module")
def real() -> Iterator[RealRouter]:
    with real_router() as started:
        yield started


@real_caddy
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.lists(conditions, max_size=3), actions), max_size=6), actions, attributes)
def test_caddy_takes_whatever_has_no_fault(
    real: RealRouter, wanted: list[tuple[list[Condition], Action]], default: Action, settings: dict[str, str]
) -> None:
    rules = [rule(number, action, *found) for number, (found, action) in enumerate(wanted)]
    kept, _ = without_faults(balancer(listener(*rules, rule(None, default))))
    web = group(attributes=settings)
    real.load_balancer(kept, {web.arn: Pool(web, (Backend("10.0.0.1:80"),), ("10.0.0.2:80",))})


# the net below

TOO_LONG = Forward((Share("a"), Share("b")), 10**30)
"""Caddy refuses it, and here nothing has looked for faults before."""


@real_caddy
def test_rules_that_caddy_refuses_all_the_same_are_left_out() -> None:
    first, bad, last = rule(1, TOO_LONG, PATH), rule(2, TOO_LONG, PATH), rule(None, TOO_LONG)
    good = rule(3, OK, PATH)

    async def play(folder: Path) -> None:
        binary = find_caddy()
        assert binary is not None
        plane = CaddyPlane(binary, folder, Sockets("127.0.0.1"), lambda _served: None, lambda: None)
        try:
            for rules in ((first, good, bad, last), (first, good, last)):  # started so, and loaded so
                web = listener(*rules)
                refused = await plane.apply(Site([balancer(web)], {}, str(folder), {}), ())
                assert set(refused) == set(rules) - {good}
                assert all("duration" in reason for reason in refused.values())
                assert (await ask_socket(folder, web, PLAIN))[2] == "ok"
                assert (await ask_socket(folder, web, Request("GET", "/b", "", "x", (), "10.0.0.1")))[0] == 501
        finally:
            await plane.stop()

    with tempfile.TemporaryDirectory(prefix="ash") as folder:
        asyncio.run(play(Path(folder)))


@given(st.integers(0, 200), st.data())
def test_refused_rules_are_found_with_few_questions(count: int, data: st.DataObject) -> None:
    rules = [rule(number, OK) for number in range(count)]
    bad = data.draw(st.sets(st.sampled_from(rules), max_size=2)) if rules else set()
    asked = 0

    async def refusal(some: Sequence[Rule]) -> str | None:
        nonlocal asked
        asked += 1
        return "no" if bad.intersection(some) else None

    assert set(asyncio.run(refused_rules(rules, refusal))) == bad
    assert asked <= 1 + 16 * len(bad)
