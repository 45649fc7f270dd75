"""What REST with JSON bodies answers to requests that do not fit."""

import orjson
import pytest

from api.wire.messages import HttpRequest, WireError
from api.wire.model import service_model
from api.wire.protocols import protocol_of
from emulator.errors import AwsError

ROLE = "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FAdmin"


def request(method: str, path: str, query: str = "", body: bytes = b"") -> HttpRequest:
    return HttpRequest(method, path, query, {}, body)


def refusal(made: HttpRequest) -> WireError:
    with pytest.raises(WireError) as caught:
        protocol_of("eks").parse(made)
    return caught.value


def test_every_route_leads_to_its_own_operation() -> None:
    for operation in service_model("eks").operations.values():
        # the fixed words of other routes stand in for the labels: they must not catch this one
        path = operation.uri.replace("{", "").replace("}", "")
        try:
            assert protocol_of("eks").parse(request(operation.method, path)).operation == operation.name
        except WireError as error:
            assert error.code == "InvalidParameterException", operation.name  # noqa: PT017 - the body is missing


def test_labels_are_decoded_one_by_one() -> None:
    call = protocol_of("eks").parse(request("GET", f"/clusters/a%20b/access-entries/{ROLE}"))
    assert call.operation == "DescribeAccessEntry"
    assert call.params == {"clusterName": "a b", "principalArn": "arn:aws:iam::111122223333:role/Admin"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("PUT", "/clusters"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/clusters/"),
        ("GET", "//clusters"),
    ],
)
def test_nobody_answers(method: str, path: str) -> None:
    error = refusal(request(method, path))
    assert (error.code, error.status) == ("UnknownOperationException", 404)


def test_query_parameters_become_typed() -> None:
    query = "types=a&types=b&maxResults=7&kubernetesVersion=1.30&surprise=1"
    call = protocol_of("eks").parse(request("GET", "/addons/supported-versions", query))
    assert call.params == {"types": ["a", "b"], "maxResults": 7, "kubernetesVersion": "1.30"}
    call = protocol_of("eks").parse(request("DELETE", "/clusters/a/addons/b", "preserve=true"))
    assert call.params == {"clusterName": "a", "addonName": "b", "preserve": True}


@pytest.mark.parametrize("query", ["maxResults=many", "maxResults=", "maxResults=1e3", f"maxResults={'9' * 5000}"])
def test_query_parameters_of_the_wrong_type(query: str) -> None:
    assert refusal(request("GET", "/clusters", query)).code == "SerializationException"


def test_members_come_from_their_own_place_only() -> None:
    body = b'{"name": "other", "clusterName": "other", "addonName": "dns"}'
    call = protocol_of("eks").parse(request("POST", "/clusters/mine/addons", "addonName=query", body))
    assert call.params == {"clusterName": "mine", "addonName": "dns"}


def test_a_body_is_not_read_where_nothing_belongs_into_it() -> None:
    assert protocol_of("eks").parse(request("GET", "/clusters/a", body=b"{")).params == {"name": "a"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"a"', b"\xff"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    assert refusal(request("POST", "/clusters", body=body)).code == "SerializationException"


def test_violations_are_told_together() -> None:
    body = b'{"name": "-a", "resourcesVpcConfig": {}, "tags": {"%s": "b"}}' % (b"k" * 129)
    error = refusal(request("POST", "/clusters", body=body))
    assert error.code == "InvalidParameterException"
    assert error.message.startswith("3 validation errors detected: Value '-a' at 'name' failed to satisfy constraint: ")
    assert "failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length" in error.message
    assert error.message.endswith("Value null at 'roleArn' failed to satisfy constraint: Member must not be null")


class ResourceNotFoundException(AwsError):
    pass


def test_the_members_that_an_error_does_not_set_are_null() -> None:
    response = protocol_of("eks").refuse(ResourceNotFoundException("No cluster", {"clusterName": "a"}), "an-id")
    assert response.status == 404
    assert response.headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert orjson.loads(response.body) == {
        "clusterName": "a",
        "nodegroupName": None,
        "fargateProfileName": None,
        "addonName": None,
        "subscriptionId": None,
        "message": "No cluster",
    }
