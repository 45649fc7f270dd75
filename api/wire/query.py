"""The query protocol (Elastic Beanstalk): parameters as a form with dotted names, results as XML."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from api.wire.faults import fault_of
from api.wire.forms import document_of, tree_of
from api.wire.markup import MarkupWriters, quoted
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError, headers
from api.wire.model import service_model
from api.wire.readers import Readers
from api.wire.refusals import refusal_of
from emulator.errors import AwsError


class Query:
    """The protocol for one service."""

    def __init__(self, service: str) -> None:
        self._model = service_model(service)
        self._readers, self._writers = Readers(refusal_of(service)), MarkupWriters()

    def parse(self, request: HttpRequest) -> Call:
        """The call that `request` makes: by form, or by query string.

        Raises:
            WireError: MissingAction, InvalidAction, MalformedInput or ValidationError.

        """
        try:
            form = request.body.decode()
        except UnicodeDecodeError as error:
            raise WireError("MalformedInput", "The request body is not a form") from error
        pairs = [*parse_qsl(request.query, keep_blank_values=True), *parse_qsl(form, keep_blank_values=True)]
        said = dict(pairs)
        name = said.get("Action") or said.get("Operation")  # the name that old documents use
        if not name:
            raise WireError("MissingAction", "The request must contain the parameter Action")
        operation = self._model.operations.get(name)
        version = said.get("Version", self._model.version)
        if operation is None or version != self._model.version:
            raise WireError("InvalidAction", f"Could not find operation {name} for version {version}")
        if operation.input is None:
            return Call(name)
        return Call(name, self._readers.read(name, operation.input, document_of(operation.input, tree_of(pairs))))

    def answer(
        self, operation: str, result: Mapping[str, Any], request_id: str, now: datetime | None = None
    ) -> HttpResponse:
        """The response that carries `result`; an operation without results has no result element."""
        known, body = self._model.operations[operation], ""
        if known.output is not None:
            body = self._writers.write(known.output, result)
            body = f"<{known.result_wrapper}>{body}</{known.result_wrapper}>"
        identity = f"<ResponseMetadata><RequestId>{quoted(request_id)}</RequestId></ResponseMetadata>"
        return self._response(200, f"{operation}Response", body + identity, headers("text/xml", request_id, now))

    def refuse(self, error: AwsError, request_id: str, now: datetime | None = None) -> HttpResponse:
        """The response that carries `error`."""
        fault = fault_of(self._model, error)
        blamed = "Sender" if fault.sender else "Receiver"
        body = (
            f"<Error><Type>{blamed}</Type><Code>{quoted(fault.code)}</Code>"
            f"<Message>{quoted(error.message)}</Message></Error><RequestId>{quoted(request_id)}</RequestId>"
        )
        return self._response(fault.status, "ErrorResponse", body, headers("text/xml", request_id, now))

    def _response(self, status: int, root: str, body: str, found: dict[str, str]) -> HttpResponse:
        text = f'<{root} xmlns="{self._model.namespace}">{body}</{root}>'
        return HttpResponse(status, found, text.encode())
