"""The reference matcher by a table, and its agreement with the real Caddy on requests and rules of any kind."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.balancer.matcher import Request, find_rule, holds, location
from emulator.balancer.model import Condition, Field, FixedResponse, Listener, Redirect
from emulator.balancer.process import find_caddy
from tests.emulator.balancer.routers import RealRouter, real_router
from tests.emulator.balancer.scenes import answering, listener, rule

PLAIN = Request("GET", "/", "", "example.com", (), "127.0.0.1")


def request(**members: Any) -> Request:
    values = {name: getattr(PLAIN, name) for name in Request.__slots__}
    return Request(**{**values, **members})


@pytest.mark.parametrize(
    ("condition", "asked", "expected"),
    [
        (Condition(Field.PATH, ("/img/*",)), request(path="/img/a/b.png"), True),
        (Condition(Field.PATH, ("/img/*",)), request(path="/IMG/a"), False),
        (Condition(Field.PATH, ("/img/*",)), request(path="/img"), False),
        (Condition(Field.PATH, ("/?.html",)), request(path="/a.html", query="x"), True),
        (Condition(Field.PATH, ("/a.html",)), request(path="/aXhtml"), False),
        (Condition(Field.HOST, ("*.example.com",)), request(host="WWW.Example.COM:8080"), True),
        (Condition(Field.HOST, ("*.example.com",)), request(host="example.com"), False),
        (
            Condition(Field.HEADER, ("ch?ome*",), header="User-Agent"),
            request(headers=[("user-agent", "CHROME 1")]),
            True,
        ),
        (Condition(Field.HEADER, ("*",), header="User-Agent"), request(), False),
        (Condition(Field.HEADER, ("b",), header="X"), request(headers=[("X", "a"), ("x", "B")]), True),
        (Condition(Field.METHOD, ("GET", "PUT")), request(method="PUT"), True),
        (Condition(Field.METHOD, ("GET",)), request(method="get"), False),
        (Condition(Field.QUERY, pairs=(("version", "v1*"),)), request(query="a=b&VERSION=V10"), True),
        (Condition(Field.QUERY, pairs=((None, "x"),)), request(query="a=b&c=x"), True),
        (Condition(Field.QUERY, pairs=((None, "x"),)), request(query="x"), False),
        (Condition(Field.QUERY, pairs=(("a", r"\*"),)), request(query="a=*"), True),
        (Condition(Field.QUERY, pairs=(("a", r"\*"),)), request(query="a=b"), False),
        (Condition(Field.SOURCE_IP, ("10.0.0.0/8", "2001:db8::/32")), request(source_ip="10.9.8.7"), True),
        (Condition(Field.SOURCE_IP, ("10.0.0.0/8", "2001:db8::/32")), request(source_ip="2001:db8::1"), True),
        (Condition(Field.SOURCE_IP, ("10.0.0.0/8",)), request(source_ip="11.0.0.1"), False),
    ],
)
def test_a_condition_holds(condition: Condition, asked: Request, expected: bool) -> None:
    assert holds(condition, asked) is expected


def test_rules_are_tried_in_order_and_all_conditions_must_hold() -> None:
    path, host = Condition(Field.PATH, ("/a*",)), Condition(Field.HOST, ("x.com",))
    found = answering((path, host), (path,))
    assert _body(found, request(path="/ab", host="x.com")) == "0"
    assert _body(found, request(path="/ab")) == "1"
    assert _body(found, request(path="/b", host="x.com")) == "default"


def test_a_redirect_keeps_what_it_does_not_change() -> None:
    asked = request(path="/a%20b/c", query="q=1", host="www.example.com:80")
    assert location(Redirect(301), asked, "HTTP", 80) == "http://www.example.com:80/a%20b/c?q=1"
    moved = Redirect(302, "HTTPS", "#{host}.org", "443", "/new/#{path}", "")
    assert location(moved, asked, "HTTP", 80) == "https://www.example.com.org:443/new/a%20b/c"


# agreement with Caddy

pieces = st.sampled_from(["a", "A", "b", "1", ".", "-", "~", "%2F", "%20", "+"])
patterns = st.lists(pieces | st.sampled_from(["*", "?", "/"]), max_size=5).map("".join)
paths = st.lists(pieces | st.just("/"), max_size=5).map(lambda parts: "/" + "".join(parts))
words = st.lists(st.sampled_from(["a", "A", "b", "1"]), max_size=3).map("".join)
wild = st.lists(st.sampled_from(["a", "A", "b", "1", "*", "?", "\\*", "\\?", "\\\\"]), min_size=1, max_size=4).map(
    "".join
)
hosts = st.sampled_from(["a.example.com", "B.example.com", "example.com", "example.com:8080", "a-b.org"])
host_patterns = st.sampled_from(["*.example.com", "?.EXAMPLE.com", "example.*", "a*.org", "example.com", "e?ample.com"])
networks = st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "127.0.0.1/32", "2001:db8::/32", "0.0.0.0/0"])
sources = st.sampled_from(["10.0.0.1", "10.1.2.3", "127.0.0.1", "2001:db8::5", "192.0.2.1"])


def listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


conditions = st.one_of(
    st.builds(Condition, st.just(Field.PATH), listed(patterns.map(lambda text: "/" + text))),
    st.builds(Condition, st.just(Field.HOST), listed(host_patterns)),
    st.builds(Condition, st.just(Field.HEADER), listed(wild), header=st.sampled_from(["X-Kind", "x-other"])),
    st.builds(Condition, st.just(Field.METHOD), listed(st.sampled_from(["GET", "PUT", "DELETE", "X-ANY"]))),
    st.builds(
        Condition,
        st.just(Field.QUERY),
        pairs=st.lists(st.tuples(st.none() | wild, wild), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Condition, st.just(Field.SOURCE_IP), listed(networks)),
)
rules = st.lists(st.lists(conditions, min_size=1, max_size=3).map(tuple), max_size=5)
pairs = st.tuples(words, st.sampled_from(["=", "", "=="]), words).map("".join)
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "PUT", "DELETE", "X-ANY"]),
    path=paths,
    query=st.lists(pairs, max_size=3).map("&".join),
    host=hosts,
    headers=st.lists(st.tuples(st.sampled_from(["X-Kind", "X-KIND", "X-Other"]), words), max_size=3),
    source_ip=sources,
)


@pytest.fixture(scope="module")
def real() -> Iterator[RealRouter]:
    with real_router() as started:
        yield started


def _body(wanted: Listener, asked: Request) -> str:
    action = find_rule(wanted, asked).action
    assert isinstance(action, FixedResponse)
    return action.body


@pytest.mark.skipif(find_caddy() is None, reason="no Caddy for this platform")
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(rules, st.lists(requests, min_size=10, max_size=30))
def test_caddy_takes_the_rule_that_the_reference_takes(
    real: RealRouter, wanted: list[tuple[Condition, ...]], asked: list[Request]
) -> None:
    found = answering(*wanted)
    real.load(found)
    for one in asked:
        assert real.ask(found, one)[2] == _body(found, one), one


@pytest.mark.skipif(find_caddy() is None, reason="no Caddy for this platform")
@settings(max_examples=15)
@given(
    st.sampled_from(["#{path}", "/#{path}", "/new/#{path}x", "/plain", "/{http.request.host}"]),
    st.sampled_from(["#{query}", "", "a=1&#{query}", "z={x}"]),
    requests,
)
def test_caddy_redirects_where_the_reference_does(real: RealRouter, path: str, query: str, asked: Request) -> None:
    redirect = Redirect(302, "#{protocol}", "x.#{host}", "#{port}", path if path[0] == "/" else f"/{path}", query)
    found = listener(rule(None, redirect))
    real.load(found)
    assert real.ask(found, asked)[1]["Location"] == location(redirect, asked, "HTTP", 80)
