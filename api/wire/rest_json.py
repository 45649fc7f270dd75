"""REST with JSON bodies (EKS): the operation is in method and path, parameters in path, query, headers and body."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
from botocore.model import ListShape, OperationModel, Shape, StructureShape

from api.wire.faults import fault_of
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError
from api.wire.model import operation_model, operation_names
from api.wire.readers import Readers
from api.wire.writers import Writers
from emulator.errors import AwsError

_LABEL = re.compile(r"\{(\w+)(\+?)\}")


class RestJson:
    """The protocol for one service."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._readers = Readers("InvalidParameterException", constraints=False)
        self._writers = Writers()

    @cached_property
    def _routes(self) -> list[tuple[str, re.Pattern[str], OperationModel]]:
        """Method, path pattern and operation; paths with fewer labels first, so that fixed words win."""
        models = [operation_model(self.service, name) for name in operation_names(self.service)]
        models.sort(key=lambda model: len(_LABEL.findall(model.http["requestUri"])))
        return [(model.http["method"], _pattern(model.http["requestUri"]), model) for model in models]

    def parse(self, request: HttpRequest) -> Call:
        """The call that `request` makes.

        Raises:
            WireError: UnknownOperationException, SerializationException or InvalidParameterException.

        """
        for method, pattern, model in self._routes:
            found = pattern.fullmatch(request.path) if method == request.method else None
            if found is not None:
                return Call(model.name, self._params(model, request, found.groupdict()))
        raise WireError("UnknownOperationException", f"No operation answers {request.method} {request.path}", 404)

    def _params(self, model: OperationModel, request: HttpRequest, labels: Mapping[str, str]) -> dict[str, Any]:
        shape = model.input_shape
        if shape is None:
            return {}
        document = dict(_body(request, shape))
        query = parse_qs(request.query, keep_blank_values=True)
        for name, member in shape.members.items():
            wire_name = member.serialization.get("name", name)
            match member.serialization.get("location"):
                case "uri":
                    document[wire_name] = unquote(labels[wire_name])
                case "querystring":
                    document.pop(wire_name, None)
                    if wire_name in query:
                        document[wire_name] = _from_text(member, query[wire_name])
                case "header" if wire_name.lower() in request.headers:
                    document[wire_name] = _from_text(member, [request.headers[wire_name.lower()]])
        params = self._readers.of(shape)(document, "")
        return dict(params)

    def answer(self, operation: str, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        """The response that carries `result`."""
        model = operation_model(self.service, operation)
        shape = model.output_shape
        document = {} if shape is None else self._writers.of(shape)(result)
        return HttpResponse(model.http.get("responseCode", 200), _headers(request_id), orjson.dumps(document))

    def refuse(self, error: AwsError, request_id: str) -> HttpResponse:
        """The response that carries `error`."""
        fault = fault_of(self.service, error)
        headers = {**_headers(request_id), "x-amzn-ErrorType": fault.code}
        return HttpResponse(fault.status, headers, orjson.dumps({fault.message_name: error.message, **error.members}))


def _pattern(uri: str) -> re.Pattern[str]:
    """The request URI of a model as a pattern; a label ends at a slash unless it is greedy (`{name+}`)."""
    parts = []
    end = 0
    for label in _LABEL.finditer(uri):
        parts.append(re.escape(uri[end : label.start()]))
        parts.append(f"(?P<{label.group(1)}>{'.+' if label.group(2) else '[^/]+'})")
        end = label.end()
    return re.compile("".join(parts) + re.escape(uri[end:]))


def _body(request: HttpRequest, shape: StructureShape) -> Mapping[str, Any]:
    if not request.body:
        return {}
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise WireError("SerializationException", f"The request body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise WireError("SerializationException", "The request body is not a JSON object")
    del shape
    return document


def _from_text(shape: Shape, texts: list[str]) -> Any:
    """A query or header value in the type that the shape's reader expects."""
    if isinstance(shape, ListShape):
        return [_from_text(shape.member, [text]) for text in texts]
    text = texts[0]
    match shape.type_name:
        case "integer" | "long" if text.lstrip("-").isdigit():
            return int(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
    return text


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
