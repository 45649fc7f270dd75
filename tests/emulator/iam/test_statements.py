"""What policies allow: a table of AWS's rules, and what must hold for every policy there could be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iam.decisions import Grants, decide
from emulator.iam.documents import MalformedPolicyError, Policy, parse_policy, printed
from emulator.iam.statements import Access, Effect, judge

OWNER, OTHER = "111122223333", "444455556666"
REPOSITORY = f"arn:aws:ecr:eu-west-1:{OWNER}:repository/team/app"
ALICE, BOB = f"arn:aws:iam::{OWNER}:user/alice", f"arn:aws:iam::{OTHER}:user/bob"
SESSION = f"arn:aws:sts::{OTHER}:assumed-role/puller/i-1"
PULL = "ecr:BatchGetImage"


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": PULL, **elements}


def policy(*statements: dict[str, Any], version: str = "2012-10-17", principals: bool = True) -> Policy:
    text = json.dumps({"Version": version, "Statement": list(statements)})
    return parse_policy(text, principals=principals, resources=not principals)


def access(principal: str = BOB, **keys: list[str]) -> Access:
    return Access(principal, PULL, REPOSITORY, {name.replace("__", ":"): values for name, values in keys.items()})


@pytest.mark.parametrize(
    ("given_statement", "principal", "expected"),
    [
        (statement(), BOB, Effect.ALLOWED),
        (statement(Principal={"AWS": BOB}), BOB, Effect.ALLOWED),
        (statement(Principal={"AWS": [ALICE, BOB]}), BOB, Effect.ALLOWED),
        (statement(Principal={"AWS": ALICE}), BOB, Effect.SILENT),
        (statement(Principal={"AWS": OTHER}), BOB, Effect.DELEGATED),
        (statement(Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}), BOB, Effect.DELEGATED),
        (statement(Principal={"AWS": f"arn:aws:iam::{OTHER}:role/puller"}), SESSION, Effect.ALLOWED),
        (statement(Principal={"AWS": SESSION}), SESSION, Effect.ALLOWED),
        (statement(Principal={"Service": "ecs.amazonaws.com"}), "Service:ecs.amazonaws.com", Effect.ALLOWED),
        (statement(Principal={"Service": "ecs.amazonaws.com"}), BOB, Effect.SILENT),
        (statement(NotPrincipal={"AWS": ALICE}), BOB, Effect.ALLOWED),
        (statement(NotPrincipal={"AWS": BOB}), BOB, Effect.SILENT),
        (statement(Action="ECR:batch*"), BOB, Effect.ALLOWED),
        (statement(Action="ecr:BatchGetImag?"), BOB, Effect.ALLOWED),
        (statement(Action=["ecr:PutImage", "ecr:*"]), BOB, Effect.ALLOWED),
        (statement(Action="ecr:PutImage"), BOB, Effect.SILENT),
        (statement(NotAction="ecr:PutImage"), BOB, Effect.ALLOWED),
        (statement(NotAction="ecr:Batch*"), BOB, Effect.SILENT),
        (statement(Resource="arn:aws:ecr:*:*:repository/team/*"), BOB, Effect.ALLOWED),
        (statement(Resource="arn:aws:ecr:*:*:repository/Team/*"), BOB, Effect.SILENT),
        (statement(NotResource="arn:aws:ecr:*:*:repository/team/*"), BOB, Effect.SILENT),
        (statement(Effect="Deny"), BOB, Effect.DENIED),
    ],
)
def test_a_statement(given_statement: dict[str, Any], principal: str, expected: Effect) -> None:
    if "NotPrincipal" in given_statement:
        del given_statement["Principal"]
    if "NotAction" in given_statement:
        del given_statement["Action"]
    assert judge([policy(given_statement)], access(principal)).effect is expected


@pytest.mark.parametrize(
    ("condition", "keys", "expected"),
    [
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, {"aws__requestedregion": ["eu-west-1"]}, True),
        ({"StringEquals": {"aws:RequestedRegion": ["a", "b"]}}, {"aws__requestedregion": ["b"]}, True),
        ({"StringEquals": {"k": "A"}}, {"k": ["a"]}, False),
        ({"StringEqualsIgnoreCase": {"k": "A"}}, {"k": ["a"]}, True),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": ["b"]}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringLike": {"k": "t*m?"}}, {"k": ["teamx"]}, True),
        ({"StringLike": {"k": "${*}"}}, {"k": ["anything"]}, False),
        ({"StringLike": {"k": "${*}"}}, {"k": ["*"]}, True),
        ({"StringEquals": {"k": "${aws:username}"}}, {"k": ["bob"], "aws__username": ["bob"]}, True),
        ({"StringEquals": {"k": "${aws:username, 'nobody'}"}}, {"k": ["nobody"]}, True),
        ({"NumericLessThan": {"k": "10"}}, {"k": ["9.5"]}, True),
        ({"NumericNotEquals": {"k": 10}}, {"k": ["10"]}, False),
        ({"NumericEquals": {"k": "10"}}, {"k": ["ten"]}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {"aws__currenttime": ["2026-01-02"]}, True),
        ({"DateLessThanEquals": {"aws:EpochTime": "0"}}, {"aws__epochtime": ["1"]}, False),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws__securetransport": ["false"]}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__sourceip": ["10.1.2.3"]}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__sourceip": ["10.1.2.3"]}, False),
        ({"ArnLike": {"k": "arn:aws:iam::*:user/b*"}}, {"k": [BOB]}, True),
        ({"ArnEquals": {"k": "arn:aws:*:user/bob"}}, {"k": [BOB]}, False),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": ["x"]}, False),
        ({"Null": {"k": False}}, {"k": ["x"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "b"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {"k": ["a", "b"]}, False),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {}, True),
        ({"ForAnyValue:StringEquals": {"k": ["a"]}}, {"k": ["a", "b"]}, True),
        ({"ForAnyValue:StringEquals": {"k": ["a"]}}, {}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": ["a"], "l": ["false"]}, False),
    ],
)
def test_a_condition(condition: dict[str, Any], keys: dict[str, list[str]], *, expected: bool) -> None:
    judged = judge([policy(statement(Condition=condition))], access(BOB, **keys))
    assert (judged.effect is Effect.ALLOWED) is expected


def test_variables_are_only_text_in_the_old_version() -> None:
    old = policy(statement(Condition={"StringEquals": {"k": "${aws:username}"}}), version="2008-10-17")
    assert judge([old], access(k=["${aws:username}"], aws__username=["bob"])).effect is Effect.ALLOWED


ALLOW_ALL = policy({"Effect": "Allow", "Action": "*", "Resource": "*"}, principals=False)
ALLOW_NONE = policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, principals=False)
DENY_ALL = policy({"Effect": "Deny", "Action": "*", "Resource": "*"}, principals=False)
OPEN, SHUT = policy(statement()), policy(statement(Effect="Deny"))
TO_ACCOUNT = policy(statement(Principal={"AWS": [OTHER, OWNER]}))


@pytest.mark.parametrize(
    ("principal", "resource", "identity", "why"),
    [
        (ALICE, [], None, None),
        (ALICE, [], [ALLOW_ALL], None),
        (ALICE, [OPEN], [ALLOW_NONE], None),
        (ALICE, [TO_ACCOUNT], [ALLOW_NONE], "because no identity-based policy allows the ecr:BatchGetImage action"),
        (ALICE, [], [ALLOW_NONE], "because no identity-based policy allows the ecr:BatchGetImage action"),
        (ALICE, [OPEN], [DENY_ALL], "with an explicit deny in an identity-based policy"),
        (ALICE, [OPEN, SHUT], [ALLOW_ALL], "with an explicit deny in a resource-based policy"),
        (f"arn:aws:iam::{OWNER}:root", [], [], None),
        (f"arn:aws:iam::{OWNER}:root", [SHUT], [], "with an explicit deny in a resource-based policy"),
        (BOB, [], None, "because no resource-based policy allows the ecr:BatchGetImage action"),
        (BOB, [OPEN], None, None),
        (BOB, [TO_ACCOUNT], [ALLOW_ALL], None),
        (BOB, [OPEN], [ALLOW_NONE], "because no identity-based policy allows the ecr:BatchGetImage action"),
        (BOB, [], [ALLOW_ALL], "because no resource-based policy allows the ecr:BatchGetImage action"),
    ],
)
def test_both_sides(principal: str, resource: list[Policy], identity: list[Policy] | None, why: str | None) -> None:
    decision = decide(access(principal), OWNER, resource, None if identity is None else Grants(tuple(identity)))
    if why is None:
        assert decision.allowed
    else:
        subject = f"User: {principal} is not authorized to perform: {PULL} on resource: {REPOSITORY}"
        assert (decision.allowed, decision.reason) == (False, f"{subject} {why}")


BAD_ELEMENTS: list[dict[str, Any]] = [
    {"Effect": "allow"},
    {"Action": []},
    {"Action": "PutImage"},
    {"Action": 3},
    {"NotAction": "ecr:*"},
    {"Principal": {"Nobody": "x"}},
    {"Principal": {}},
    {"Principal": "alice"},
    {"Condition": {"StringAlike": {"k": "v"}}},
    {"Condition": {"StringEquals": "k"}},
    {"Condition": []},
    {"Colour": "red"},
    {"Sid": 7},
]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"Statement": []}', '{"Statement": "x"}', '{"Version": "2020-01-01", "Statement": {}}'),
        *(json.dumps({"Statement": [statement(**bad)]}) for bad in BAD_ELEMENTS),
        json.dumps({"Statement": [statement(Sid="a"), statement(Sid="a")]}),
        json.dumps({"Statement": [{"Effect": "Allow", "Action": "ecr:*"}]}),
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(MalformedPolicyError):
        parse_policy(text, principals=True, resources=False)


def test_it_is_given_back_as_aws_prints_it() -> None:
    text = '{"Version":"2008-10-17","Statement":[{"Sid":"é","Action":["ecr:A","ecr:B"]}]}'
    assert printed(text) == (
        '{\n  "Version" : "2008-10-17",\n  "Statement" : [ {\n    "Sid" : "é",\n    "Action" : [ "ecr:A", "ecr:B" ]\n  } ]\n}'
    )


_PATTERNS = st.sampled_from(["*", "ecr:*", PULL, "ecr:Put*", "ecr:?atchGetImage"])
_STATEMENTS = st.builds(
    lambda effect, action, principal: statement(Effect=effect, Action=action, Principal=principal),
    st.sampled_from(["Allow", "Deny"]),
    st.one_of(_PATTERNS, st.lists(_PATTERNS, min_size=1, max_size=3)),
    st.sampled_from(["*", {"AWS": BOB}, {"AWS": OTHER}, {"AWS": [ALICE, OTHER]}, {"Service": "ecs.amazonaws.com"}]),
)


@given(st.lists(_STATEMENTS, min_size=1, max_size=5), st.sampled_from([ALICE, BOB, SESSION]))
def test_a_deny_that_speaks_of_the_request_always_wins(statements: list[dict[str, Any]], principal: str) -> None:
    denies = [item for item in statements if item["Effect"] == "Deny"]
    asked = access(principal)
    denied = bool(denies) and judge([policy(*denies)], asked).effect is Effect.DENIED
    assert (judge([policy(*statements)], asked).effect is Effect.DENIED) is denied
    if denied:
        assert not decide(asked, OWNER, [policy(*statements)], Grants((ALLOW_ALL,))).allowed


@given(st.lists(_STATEMENTS, max_size=4), _STATEMENTS, st.sampled_from([ALICE, BOB]))
def test_one_more_deny_never_opens(statements: list[dict[str, Any]], more: dict[str, Any], principal: str) -> None:
    before = [policy(*statements)] if statements else []
    after = [*before, policy({**more, "Effect": "Deny"})]
    if decide(access(principal), OWNER, after).allowed:
        assert decide(access(principal), OWNER, before).allowed
