"""AWS JSON 1.1 (ECS, ECR): `POST /` with the operation in `X-Amz-Target`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from api.wire.faults import fault_of
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError, headers
from api.wire.model import service_model
from api.wire.readers import Readers
from api.wire.refusals import refusal_of
from api.wire.writers import Writers
from emulator.errors import AwsError

_CONTENT_TYPE = "application/x-amz-json-1.1"


class Json11:
    """The protocol for one service."""

    def __init__(self, service: str) -> None:
        self._model = service_model(service)
        self._readers, self._writers = Readers(refusal_of(service)), Writers()

    def parse(self, request: HttpRequest) -> Call:
        """The call that `request` makes.

        Raises:
            WireError: UnknownOperationException, SerializationException or what the service answers to a bad value.

        """
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        operation = self._model.operations.get(name)
        if operation is None:
            raise WireError("UnknownOperationException", f"Unknown operation '{name}'")
        document = load(request.body)
        if operation.input is None:
            return Call(name)
        return Call(name, self._readers.read(name, operation.input, document))

    def answer(
        self, operation: str, result: Mapping[str, Any], request_id: str, now: datetime | None = None
    ) -> HttpResponse:
        """The response that carries `result`."""
        shape = self._model.operations[operation].output
        document = {} if shape is None else self._writers.write(shape, result)
        return HttpResponse(200, headers(_CONTENT_TYPE, request_id, now), orjson.dumps(document))

    def refuse(self, error: AwsError, request_id: str, now: datetime | None = None) -> HttpResponse:
        """The response that carries `error`."""
        fault = fault_of(self._model, error, forbidden=400)
        members = fault.members if fault.shape is None else self._writers.write(fault.shape, fault.members)
        document = {"__type": fault.code, fault.message_name: error.message, **members}
        found = headers(_CONTENT_TYPE, request_id, now)
        found["x-amzn-ErrorType"] = fault.code
        return HttpResponse(fault.status, found, orjson.dumps(document))


def load(body: bytes) -> Any:
    """The JSON document in `body`; an empty body says as little as an empty object.

    Raises:
        WireError: SerializationException.

    """
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise WireError("SerializationException", f"The request body is not JSON: {error}") from error
