"""AWS JSON 1.1 (ECS, ECR): `POST /` with the operation in `X-Amz-Target`."""

from collections.abc import Mapping
from typing import Any

import orjson

from api.wire.faults import fault_of
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError
from api.wire.model import operation_model, operation_names
from api.wire.readers import Readers
from api.wire.writers import Writers
from emulator.errors import AwsError

_CONTENT_TYPE = "application/x-amz-json-1.1"


class Json11:
    """The protocol for one service."""

    def __init__(self, service: str, *, constraints: bool) -> None:
        self.service = service
        self._readers = Readers("InvalidParameterException", constraints=constraints)
        self._writers = Writers()

    def parse(self, request: HttpRequest) -> Call:
        """The call that `request` makes.

        Raises:
            WireError: UnknownOperationException, SerializationException or InvalidParameterException.

        """
        operation = request.headers.get("x-amz-target", "").partition(".")[2]
        if operation not in operation_names(self.service):
            raise WireError("UnknownOperationException", f"Unknown operation {operation!r}")
        try:
            document = orjson.loads(request.body) if request.body else {}
        except orjson.JSONDecodeError as error:
            raise WireError("SerializationException", f"The request body is not JSON: {error}") from error
        shape = operation_model(self.service, operation).input_shape
        if shape is None:
            return Call(operation)
        return Call(operation, self._readers.of(shape)(document, ""))

    def answer(self, operation: str, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        """The response that carries `result`."""
        shape = operation_model(self.service, operation).output_shape
        document = {} if shape is None else self._writers.of(shape)(result)
        return HttpResponse(200, _headers(request_id), orjson.dumps(document))

    def refuse(self, error: AwsError, request_id: str) -> HttpResponse:
        """The response that carries `error`."""
        fault = fault_of(self.service, error)
        document = {"__type": fault.code, fault.message_name: error.message, **error.members}
        headers = {**_headers(request_id), "x-amzn-ErrorType": fault.code}
        return HttpResponse(fault.status, headers, orjson.dumps(document))


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": _CONTENT_TYPE, "x-amzn-RequestId": request_id}
