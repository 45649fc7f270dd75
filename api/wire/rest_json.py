"""REST with JSON bodies (EKS): the operation is in method and path, parameters in path, query string and body."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from api.wire.faults import fault_of
from api.wire.json11 import load
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError, headers
from api.wire.model import service_model
from api.wire.readers import Readers
from api.wire.refusals import refusal_of
from api.wire.scalars import from_text
from api.wire.shapes import Operation, Shape
from api.wire.writers import Writers
from emulator.errors import AwsError

_CONTENT_TYPE = "application/json"


class RestJson:
    """The protocol for one service."""

    def __init__(self, service: str) -> None:
        self._model = service_model(service)
        self._readers, self._writers = Readers(refusal_of(service)), Writers()
        self._routes: dict[tuple[str, int], list[tuple[list[str], Operation]]] = defaultdict(list)
        for operation in self._model.operations.values():
            parts = operation.uri.split("/")
            self._routes[operation.method, len(parts)].append((parts, operation))
        for routes in self._routes.values():  # a fixed word wins over a label
            routes.sort(key=lambda route: [part.startswith("{") for part in route[0]])

    def parse(self, request: HttpRequest) -> Call:
        """The call that `request` makes.

        Raises:
            WireError: UnknownOperationException, SerializationException or InvalidParameterException.

        """
        sent = request.path.split("/")
        for parts, operation in self._routes.get((request.method, len(sent)), ()):
            if all(part == text or (part.startswith("{") and text) for part, text in zip(parts, sent, strict=True)):
                labels = {part[1:-1]: unquote(text) for part, text in zip(parts, sent, strict=True) if part[:1] == "{"}
                return Call(operation.name, self._params(operation, request, labels))
        raise WireError("UnknownOperationException", f"No operation answers {request.method} {request.path}", 404)

    def _params(self, operation: Operation, request: HttpRequest, labels: Mapping[str, str]) -> dict[str, Any]:
        shape = operation.input
        if shape is None:
            return {}
        query = parse_qs(request.query, keep_blank_values=True)
        document = _body(request, shape)
        for name, member in shape.members.items():
            if member.location == "uri":
                document[name] = labels[member.wire_name]
            elif member.location == "querystring" and member.wire_name in query:
                document[name] = _from_texts(member.shape, query[member.wire_name])
        return self._readers.read(operation.name, shape, document)

    def answer(
        self, operation: str, result: Mapping[str, Any], request_id: str, now: datetime | None = None
    ) -> HttpResponse:
        """The response that carries `result`."""
        shape = self._model.operations[operation].output
        document = {} if shape is None else self._writers.write(shape, result)
        return HttpResponse(200, headers(_CONTENT_TYPE, request_id, now), orjson.dumps(document))

    def refuse(self, error: AwsError, request_id: str, now: datetime | None = None) -> HttpResponse:
        """The response that carries `error`; members of the shape that are not set are null (reference/eks.md §1)."""
        fault = fault_of(self._model, error)
        document: dict[str, Any] = dict.fromkeys(fault.shape.members if fault.shape else ())
        document |= fault.members if fault.shape is None else self._writers.write(fault.shape, fault.members)
        document[fault.message_name] = error.message
        found = headers(_CONTENT_TYPE, request_id, now)
        found["x-amzn-ErrorType"] = fault.code
        return HttpResponse(fault.status, found, orjson.dumps(document))


def _body(request: HttpRequest, shape: Shape) -> dict[str, Any]:
    """What the body says of the members that belong there; nothing is read where none does."""
    names = [name for name, member in shape.members.items() if not member.location]
    document = load(request.body) if names else {}
    if not isinstance(document, dict):
        raise WireError("SerializationException", "The request body is not a JSON object")
    return {name: document[name] for name in names if name in document}


def _from_texts(shape: Shape, texts: list[str]) -> Any:
    """A query parameter, which may be repeated, as the JSON value that its shape's reader expects."""
    if shape.item is not None:
        return [from_text(shape.item.type, text) for text in texts]
    return from_text(shape.type, texts[0])
