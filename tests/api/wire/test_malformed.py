"""Whatever comes in, what goes out is a call or the protocol's own error, and the client can read it."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from api.wire.messages import HttpRequest, WireError
from api.wire.model import operation_names
from api.wire.protocols import SERVICES, protocol_of
from tests.api.wire.shapes import inputs, received, sent

OPERATIONS = [(service, operation) for service in SERVICES for operation in operation_names(service)]
QUIET = settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(QUIET, max_examples=4, phases=[Phase.generate])
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)
TARGETS = {
    "ecs": "AmazonEC2ContainerServiceV20141113.RunTask",
    "ecr": "AmazonEC2ContainerRegistry_V20150921.UploadLayerPart",
    "ecr-public": "SpencerFrontendService.PutImage",
}


def refused(service: str, request: HttpRequest) -> WireError | None:
    """The refusal of `request`; None where it is a call. Anything else fails the test."""
    try:
        protocol_of(service).parse(request)
    except WireError as error:
        return error
    return None


def assert_answered(service: str, request: HttpRequest) -> None:
    error = refused(service, request)
    if error is not None:
        response = protocol_of(service).refuse(error, "a-request")
        assert 400 <= response.status < 500
        assert received(service, response, None)["Error"] == {
            **received(service, response, None)["Error"],
            "Code": error.code,
            "Message": error.message,
        }


def spoilt(value: Any, way: list[int], stain: Any) -> Any:
    """`value` with the part at the end of `way` replaced by `stain`."""
    if not way or not value or not isinstance(value, dict | list):
        return stain
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    chosen = keys[way[0] % len(keys)]
    changed = value.copy()
    changed[chosen] = spoilt(value[chosen], way[1:], stain)
    return changed


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_a_request_spoilt_at_one_place(service: str, operation: str) -> None:
    @FEW
    @given(inputs(service, operation), st.lists(st.integers(0, 9), min_size=1, max_size=4), JSON)
    def check(params: dict[str, Any], way: list[int], stain: Any) -> None:
        request = sent(service, operation, params)
        if service == "elasticbeanstalk":
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
            name, _ = pairs[way[0] % len(pairs)]
            body = urlencode([*pairs, (name + ".member.1" * (len(way) - 1), str(stain))]).encode()
        else:
            body = orjson.dumps(spoilt(orjson.loads(request.body or b"{}"), way, stain))
        query = f"{request.query}&{urlencode(dict.fromkeys(('maxResults', 'force', 'tagKeys'), 'spoilt'))}"
        assert_answered(service, replace(request, body=body, query=query if service == "eks" else request.query))

    check()


@pytest.mark.parametrize("service", SERVICES)
def test_any_bytes(service: str) -> None:
    @settings(QUIET, max_examples=100)
    @given(st.binary(max_size=200), st.text(max_size=20))
    @example(b"[" * 5000, "")
    @example(b'"\\ud800"', "")
    @example(b"1e999", "")
    @example(b'{"taskDefinition": "web", "count": 123456789012345678901234567890}', "")
    @example(b"&".join(b"Action=ListTagsForResource&ResourceArn=%FF%00" for _ in range(3)), "")
    @example(b"Action=UpdateTagsForResource&TagsToAdd.member.99999999999999999999.Key=a", "")
    @example(b"Action=DescribeEvents&MaxRecords=" + b"9" * 5000, "")
    @example(b"Action=DescribeEvents&" + b"a." * 5000 + b"=", "")
    def check(body: bytes, text: str) -> None:
        headers = {"x-amz-target": TARGETS.get(service, text)}
        assert_answered(service, HttpRequest("POST", "/clusters", text, headers, body))
        assert_answered(service, HttpRequest("POST", f"/{text}", text, {"x-amz-target": text}, body))

    check()


@pytest.mark.parametrize("service", SERVICES)
def test_any_document(service: str) -> None:
    @settings(QUIET, max_examples=100)
    @given(st.dictionaries(st.sampled_from(["count", "overrides", "tags", "cluster", "name", "surprise"]), JSON))
    def check(document: dict[str, Any]) -> None:
        body = orjson.dumps(document) if service != "elasticbeanstalk" else urlencode(document).encode()
        headers = {"x-amz-target": TARGETS.get(service, "")}
        assert_answered(service, HttpRequest("POST", "/clusters", "", headers, body))

    check()
