"""Whatever comes in, what goes out is the protocol's own error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.wire.detect import detect
from api.wire.messages import HttpRequest, WireError
from api.wire.protocols import protocol_of

_ECS = "AmazonEC2ContainerServiceV20141113"


def ecs(operation: str, body: bytes) -> HttpRequest:
    return HttpRequest("POST", "/", "", {"x-amz-target": f"{_ECS}.{operation}"}, body)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ecs("RunTask", b"{"), "SerializationException"),
        (ecs("RunTask", b"[]"), "SerializationException"),
        (ecs("RunTask", b'{"taskDefinition": 3}'), "SerializationException"),
        (ecs("RunTask", b'{"taskDefinition": "web", "count": "two"}'), "SerializationException"),
        (ecs("RunTask", b'{"taskDefinition": "web", "count": true}'), "SerializationException"),
        (ecs("RunTask", b"{}"), "InvalidParameterException"),
        (ecs("Fly", b"{}"), "UnknownOperationException"),
        (HttpRequest("POST", "/", "", {}, b""), "UnknownOperationException"),
    ],
)
def test_json_errors(request_: HttpRequest, code: str) -> None:
    with pytest.raises(WireError) as caught:
        protocol_of("ecs").parse(request_)
    assert caught.value.code == code


def test_unknown_members_are_ignored() -> None:
    call = protocol_of("ecs").parse(ecs("ListClusters", b'{"maxResults": 5, "surprise": {"a": 1}}'))
    assert call.params == {"maxResults": 5}


def test_ecr_says_which_constraint_was_violated() -> None:
    target = {"x-amz-target": "AmazonEC2ContainerRegistry_V20150921.CreateRepository"}
    with pytest.raises(WireError, match="Invalid parameter at 'repositoryName' failed to satisfy constraint") as caught:
        protocol_of("ecr").parse(HttpRequest("POST", "/", "", target, b'{"repositoryName": "UPPER"}'))
    assert caught.value.code == "InvalidParameterException"


def test_query_errors() -> None:
    for body, code in [(b"Action=Fly", "InvalidAction"), (b"\xff\xfe", "MalformedInput"), (b"", "InvalidAction")]:
        with pytest.raises(WireError) as caught:
            protocol_of("elasticbeanstalk").parse(HttpRequest("POST", "/", "", {}, body))
        assert caught.value.code == code


def test_rest_paths_that_nobody_answers() -> None:
    with pytest.raises(WireError) as caught:
        protocol_of("eks").parse(HttpRequest("GET", "/nowhere", "", {}, b""))
    assert (caught.value.code, caught.value.status) == ("UnknownOperationException", 404)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200), st.sampled_from(["ecs", "ecr", "eks", "elasticbeanstalk"]))
def test_any_bytes_give_a_call_or_an_error(body: bytes, service: str) -> None:
    headers = {"x-amz-target": f"{_ECS}.CreateCluster" if service == "ecs" else "x.CreateRepository"}
    request = HttpRequest("POST", "/clusters" if service == "eks" else "/", "", headers, body)
    try:
        protocol_of(service).parse(request)
    except WireError as error:
        assert protocol_of(service).refuse(error, "id").status in {400, 404}  # noqa: PT017 - both outcomes are good


SIGNED = "AWS4-HMAC-SHA256 Credential={}/20261124/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=00"


@pytest.mark.parametrize(
    ("headers", "query", "body", "expected"),
    [
        ({"authorization": SIGNED.format("111122223333")}, "", b"", ("ecs", "111122223333", "eu-west-1")),
        ({"authorization": SIGNED.format("test")}, "", b"", ("ecs", "000000000000", "eu-west-1")),
        ({"x-amz-target": f"{_ECS}.ListClusters"}, "", b"", ("ecs", "000000000000", "us-east-1")),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            "",
            b"Action=X&Version=2010-12-01",
            ("elasticbeanstalk", "000000000000", "us-east-1"),
        ),
        ({"host": "s3.eu-west-1.amazonaws.com"}, "", b"", ("s3", "000000000000", "us-east-1")),
        (
            {},
            "X-Amz-Credential=test%2F20261124%2Feu-west-1%2Fs3%2Faws4_request",
            b"",
            ("s3", "000000000000", "eu-west-1"),
        ),
        ({}, "", b"", ("", "000000000000", "us-east-1")),
    ],
)
def test_detect(headers: dict[str, str], query: str, body: bytes, expected: tuple[str, str, str]) -> None:
    target = detect(HttpRequest("POST", "/", query, headers, body), "000000000000", "us-east-1")
    assert (target.service, target.account, target.region) == expected
