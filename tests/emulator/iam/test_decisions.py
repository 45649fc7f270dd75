"""What several kinds of policies decide together: a table of AWS's order, and what must hold for all of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iam.decisions import Grants, decide
from emulator.iam.documents import Policy, parse_policy
from emulator.iam.statements import Access

OWNER, OTHER = "111122223333", "444455556666"
CLUSTER = f"arn:aws:ecs:us-east-1:{OWNER}:cluster/"
USER = f"arn:aws:iam::{OWNER}:user/staff/alice"
ROLE = f"arn:aws:iam::{OWNER}:role/service/runner"
SESSION = f"arn:aws:sts::{OWNER}:assumed-role/runner/one"
STRANGER = f"arn:aws:iam::{OTHER}:user/bob"
ACTION = "ecs:UpdateCluster"


def identity(*statements: dict[str, Any], name: str = "own") -> Policy:
    full = [{"Effect": "Allow", **item} for item in statements]
    full = [item if "NotResource" in item else {"Resource": "*", **item} for item in full]
    text = json.dumps({"Version": "2012-10-17", "Statement": full})
    return parse_policy(text, principals=False, resources=True, name=name)


def of_resource(principal: object, effect: str = "Allow") -> Policy:
    text = json.dumps({"Statement": {"Effect": effect, "Principal": principal, "Action": "*"}})
    return parse_policy(text, principals=True, resources=False, name="the resource's")


ALL, NONE = identity({"Action": "*"}), identity({"Action": "s3:*"})
DENY = identity({"Sid": "Never", "Effect": "Deny", "Action": "ecs:*"})
IMPLICIT = f"because no {{}} allows the {ACTION} action"
EXPLICIT = "with an explicit deny in a{}"


@pytest.mark.parametrize(
    ("principal", "resource", "grants", "why"),
    [
        (USER, [], Grants(), IMPLICIT.format("identity-based policy")),
        (USER, [], Grants((NONE,)), IMPLICIT.format("identity-based policy")),
        (USER, [], Grants((NONE, ALL)), None),
        (USER, [], Grants((ALL, DENY)), EXPLICIT.format("n identity-based policy")),
        (USER, [], Grants((ALL,), (NONE,)), IMPLICIT.format("permissions boundary")),
        (USER, [], Grants((ALL,), (ALL,)), None),
        (USER, [], Grants((ALL,), (ALL, DENY)), EXPLICIT.format(" permissions boundary")),
        (SESSION, [], Grants((ALL,), session=(NONE,)), IMPLICIT.format("session policy")),
        (SESSION, [], Grants((ALL,), session=(DENY,)), EXPLICIT.format(" session policy")),
        (SESSION, [], Grants((ALL,), (ALL,), (ALL,)), None),
        # what the resource's policy grants to a caller's own ARN is bounded by nothing but a deny
        (USER, [of_resource({"AWS": USER})], Grants((), (NONE,)), None),
        (SESSION, [of_resource({"AWS": SESSION})], Grants((), (NONE,), (NONE,)), None),
        (USER, [of_resource({"AWS": USER})], Grants((DENY,)), EXPLICIT.format("n identity-based policy")),
        # to a role: by its boundary and the session's policy
        (SESSION, [of_resource({"AWS": ROLE})], Grants(), None),
        (SESSION, [of_resource({"AWS": ROLE})], Grants((), (NONE,)), IMPLICIT.format("permissions boundary")),
        (SESSION, [of_resource({"AWS": ROLE})], Grants((), None, (NONE,)), IMPLICIT.format("session policy")),
        (SESSION, [of_resource("*"), of_resource({"AWS": SESSION})], Grants((), (NONE,)), None),
        # to the account: the account's own policies decide
        (USER, [of_resource({"AWS": OWNER})], Grants(), IMPLICIT.format("identity-based policy")),
        # from another account: both sides
        (STRANGER, [], Grants((ALL,)), IMPLICIT.format("resource-based policy")),
        (STRANGER, [of_resource({"AWS": STRANGER})], Grants(), IMPLICIT.format("identity-based policy")),
        (STRANGER, [of_resource({"AWS": STRANGER})], Grants((ALL,)), None),
        (STRANGER, [of_resource({"AWS": OTHER})], Grants((ALL,), (NONE,)), IMPLICIT.format("permissions boundary")),
        (f"arn:aws:iam::{OWNER}:root", [], Grants(), None),
        (f"arn:aws:iam::{OWNER}:root", [of_resource("*", "Deny")], None, EXPLICIT.format(" resource-based policy")),
    ],
)
def test_the_order(principal: str, resource: list[Policy], grants: Grants | None, why: str | None) -> None:
    asked = Access(principal, ACTION, f"{CLUSTER}demo", role=ROLE if principal == SESSION else "")
    decision = decide(asked, OWNER, resource, grants)
    if why is None:
        assert decision.allowed, decision.reason
    else:
        subject = f"User: {principal} is not authorized to perform: {ACTION} on resource: {CLUSTER}demo"
        assert (decision.allowed, decision.reason) == (False, f"{subject} {why}")


@pytest.mark.parametrize(
    ("grants", "statement"),
    [
        (Grants((ALL, DENY)), "statement Never of own"),
        (Grants((NONE, identity({"Action": "s3:*"}, {"Action": "ecs:*"}, name="ecs-full"))), "statement 2 of ecs-full"),
        (Grants((NONE,)), ""),
    ],
)
def test_a_decision_names_its_statement(grants: Grants, statement: str) -> None:
    assert decide(Access(USER, ACTION, f"{CLUSTER}demo"), OWNER, (), grants).statement == statement


def test_an_action_without_a_resource_is_told_of_all() -> None:
    asked = Access(USER, "ecs:ListClusters", "*")
    assert decide(asked, OWNER, (), Grants()).reason == (
        f"User: {USER} is not authorized to perform: ecs:ListClusters on resource: *"
        " because no identity-based policy allows the ecs:ListClusters action"
    )


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Action": "ECS:updateCluster"}, True),
        ({"Action": "ecs:Update?luster"}, True),
        ({"Action": "ecs.UpdateCluster:*"}, False),
        ({"NotAction": "ecs:*"}, False),
        ({"NotAction": "s3:*"}, True),
        ({"Action": "*", "Resource": f"{CLUSTER}${{aws:username}}-*"}, True),
        ({"Action": "*", "Resource": f"{CLUSTER}Alice-*"}, False),
        ({"Action": "*", "Resource": f"{CLUSTER}${{aws:username}}-${{*}}"}, False),
        ({"Action": "*", "NotResource": f"{CLUSTER}alice-*"}, False),
        ({"Action": "*", "NotResource": f"{CLUSTER}bob-*"}, True),
        ({"Action": "*", "Condition": {"StringEquals": {"aws:RequestTag/team": "${aws:username}"}}}, True),
        ({"Action": "*", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "stage"]}}}, True),
        ({"Action": "*", "Condition": {"Null": {"aws:RequestTag/owner": "false"}}}, False),
    ],
)
def test_a_statement_of_an_identity(statement: dict[str, Any], *, allowed: bool) -> None:
    keys = {"aws:username": ["alice"], "aws:requesttag/team": ["alice"], "aws:tagkeys": ["team"]}
    asked = Access(USER, ACTION, f"{CLUSTER}alice-1", keys)
    assert decide(asked, OWNER, (), Grants((identity(statement),))).allowed is allowed


_NAMES = st.sampled_from(["*", "ecs:*", "ECS:update*", ACTION, "ecs:RunTask", "s3:*"])
_PLACES = st.sampled_from(["*", f"{CLUSTER}*", f"{CLUSTER}demo", f"{CLUSTER}d?mo", f"{CLUSTER}x", "arn:aws:s3:::*"])
_STATEMENTS = st.builds(
    lambda effect, action, actions, place, places: {"Effect": effect, action: actions, place: places},
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "NotAction"]),
    st.lists(_NAMES, min_size=1, max_size=3),
    st.sampled_from(["Resource", "NotResource"]),
    st.lists(_PLACES, min_size=1, max_size=2),
)
_POLICIES = st.lists(_STATEMENTS, min_size=1, max_size=3).map(lambda listed: identity(*listed))
_GRANTS = st.builds(
    Grants,
    st.lists(_POLICIES, max_size=3).map(tuple),
    st.none() | st.lists(_POLICIES, max_size=2).map(tuple),
    st.none() | st.lists(_POLICIES, max_size=2).map(tuple),
)
_RESOURCES = st.lists(
    st.builds(of_resource, st.sampled_from(["*", {"AWS": USER}, {"AWS": OWNER}]), st.sampled_from(["Allow", "Deny"])),
    max_size=2,
)
ASKED = Access(USER, ACTION, f"{CLUSTER}demo")


@given(_GRANTS, _RESOURCES)
def test_deny_always_wins(grants: Grants, resource: list[Policy]) -> None:
    deny = identity({"Effect": "Deny", "Action": "*"})
    for more in (
        Grants((*grants.identity, deny), grants.boundary, grants.session),
        Grants(grants.identity, (*(grants.boundary or ()), deny), grants.session),
        Grants(grants.identity, grants.boundary, (*(grants.session or ()), deny)),
    ):
        assert not decide(ASKED, OWNER, resource, more).allowed
    assert not decide(ASKED, OWNER, [*resource, of_resource("*", "Deny")], grants).allowed


@given(_GRANTS, _RESOURCES, _POLICIES)
def test_one_more_allow_takes_nothing_away(grants: Grants, resource: list[Policy], policy: Policy) -> None:
    allows = Policy(tuple(item for item in policy.statements if item.effect == "Allow"))
    more = Grants((*grants.identity, allows), grants.boundary, grants.session)
    if decide(ASKED, OWNER, resource, grants).allowed:
        assert decide(ASKED, OWNER, resource, more).allowed
        assert decide(ASKED, OWNER, [*resource, of_resource("*")], grants).allowed


@given(_GRANTS)
def test_without_an_allow_nothing_is_allowed(grants: Grants) -> None:
    denies = tuple(
        Policy(tuple(item for item in policy.statements if item.effect == "Deny")) for policy in grants.identity
    )
    assert not decide(ASKED, OWNER, (), Grants(denies, grants.boundary, grants.session)).allowed


@given(_GRANTS, _RESOURCES)
def test_a_refusal_is_told_in_awss_sentence(grants: Grants, resource: list[Policy]) -> None:
    decision = decide(ASKED, OWNER, resource, grants)
    if not decision.allowed:
        assert decision.reason.startswith(f"User: {USER} is not authorized to perform: {ACTION} on resource: ")
        assert bool(decision.statement) is ("explicit deny" in decision.reason)
