"""Every operation of our services: botocore's own client writes what we read, and reads what we write."""

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.wire.messages import HttpRequest
from api.wire.model import operation_model, operation_names, service_model
from api.wire.protocols import SERVICES, protocol_of
from emulator.errors import AwsError
from tests.api.wire.shapes import values

OPERATIONS = [(service, operation) for service in SERVICES for operation in operation_names(service)]
FEW = settings(
    max_examples=3,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def sent(service: str, operation: str, params: dict[str, Any]) -> HttpRequest:
    """The request that botocore's client would send."""
    serializer = create_serializer(service_model(service).metadata["protocol"], include_validation=False)
    made = serializer.serialize_to_request(params, operation_model(service, operation))
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    query = made.get("query_string") or {}
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    raw = body.encode() if isinstance(body, str) else body
    path, _, tail = made["url_path"].partition("?")
    text = "&".join(filter(None, [tail, urlencode(query, doseq=True)]))
    return HttpRequest(made["method"], path, text, headers, raw)


def test_the_model_has_all_267_operations() -> None:
    assert len(OPERATIONS) == 267


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_the_client_writes_is_what_we_read(service: str, operation: str) -> None:
    shape = operation_model(service, operation).input_shape

    @FEW
    @given(st.just({}) if shape is None else values(shape))
    def check(params: dict[str, Any]) -> None:
        call = protocol_of(service).parse(sent(service, operation, params))
        assert (call.operation, call.params) == (operation, params)

    check()


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_we_write_is_what_the_client_reads(service: str, operation: str) -> None:
    shape = operation_model(service, operation).output_shape
    parser = create_parser(service_model(service).metadata["protocol"])

    @FEW
    @given(st.just({}) if shape is None else values(shape, output=True))
    def check(result: dict[str, Any]) -> None:
        made = protocol_of(service).answer(operation, result, "a-request")
        response = {"body": made.body, "headers": HeadersDict(made.headers), "status_code": made.status}
        read = parser.parse(response, shape)
        metadata = read.pop("ResponseMetadata")
        assert read == result
        assert metadata["RequestId"] == "a-request"

    check()


ERRORS = [(service, shape.name) for service in SERVICES for shape in service_model(service).error_shapes]


@pytest.mark.parametrize(("service", "name"), ERRORS)
def test_the_client_reads_every_error(service: str, name: str) -> None:
    model = service_model(service)
    shape = model.shape_for(name)
    error = type(name, (AwsError,), {})("because")
    made = protocol_of(service).refuse(error, "a-request")
    parser = create_parser(model.metadata["protocol"])
    read = parser.parse({"body": made.body, "headers": HeadersDict(made.headers), "status_code": made.status}, None)
    assert read["Error"]["Code"] == shape.metadata.get("error", {}).get("code", name)
    assert read["Error"]["Message"] == "because"
    assert made.status == shape.metadata.get("error", {}).get(
        "httpStatusCode", 500 if shape.metadata.get("fault") else 400
    )
