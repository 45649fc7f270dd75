"""Every operation of our services: botocore's own client writes what we read, and reads what we write."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from api.wire.model import operation_names, service_model
from api.wire.protocols import SERVICES, protocol_of
from emulator.errors import AwsError
from tests.api.wire.shapes import inputs, model_of, operation_of, outputs, received, sent, values

OPERATIONS = [(service, operation) for service in SERVICES for operation in operation_names(service)]
ERRORS = [(service, name) for service in SERVICES for name in service_model(service).errors]
FEW = settings(
    max_examples=4,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def test_all_operations_are_there() -> None:
    assert sum(service not in {"ecr-public", "codedeploy"} for service, _ in OPERATIONS) == 267
    assert sum(service == "codedeploy" for service, _ in OPERATIONS) == 47
    assert sum(service == "ecr-public" for service, _ in OPERATIONS) == 23


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_the_client_writes_is_what_we_read(service: str, operation: str) -> None:
    @FEW
    @given(inputs(service, operation))
    def check(params: dict[str, Any]) -> None:
        call = protocol_of(service).parse(sent(service, operation, params))
        assert (call.operation, call.params) == (operation, params)

    check()


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_we_write_is_what_the_client_reads(service: str, operation: str) -> None:
    shape = operation_of(service, operation).output_shape

    @FEW
    @given(outputs(service, operation))
    def check(result: dict[str, Any]) -> None:
        read = received(service, protocol_of(service).answer(operation, result, "a-request"), shape)
        metadata = read.pop("ResponseMetadata")
        assert read == result
        assert metadata["RequestId"] == "a-request"

    check()


@pytest.mark.parametrize(("service", "name"), ERRORS)
def test_the_client_reads_every_error(service: str, name: str) -> None:
    shape = model_of(service).shape_for(name)
    stated = shape.metadata.get("error", {})

    @FEW
    @given(values(shape, markup=service == "elasticbeanstalk", whole=True))
    def check(members: dict[str, Any]) -> None:
        carried = {known: value for known, value in members.items() if known != "message"}
        response = protocol_of(service).refuse(type(name, (AwsError,), {})("because", carried), "a-request")
        read = received(service, response, None)
        assert read["Error"]["Code"] == stated.get("code", name)
        assert read["Error"]["Message"] == "because"
        assert read["ResponseMetadata"]["RequestId"] == "a-request"
        assert response.status == stated.get("httpStatusCode", 500 if name == "ServerException" else 400)
        if service != "elasticbeanstalk":  # its errors carry nothing but a message
            message = {"message": "because"} if service != "codedeploy" else {}  # its error shapes have no members
            assert received(service, response, shape) == {**carried, **message}

    check()
