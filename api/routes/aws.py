"""Every AWS request comes here: detect, parse, one transaction, answer.

Operations run on the event-loop thread: it alone touches the state, and a hop to another thread would cost more than most
operations do.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from api.coverage import OPERATIONS
from api.neighbours import NeighboursApp
from api.wire.detect import Target, detect
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError, not_emulated
from api.wire.protocols import Protocol, protocol_of
from emulator.emulator import Emulator
from emulator.errors import AwsError
from emulator.journal import Entry, Kind

_LOG = structlog.get_logger()
_READING = ("Describe", "List", "Get", "BatchGet", "BatchCheck")


class AwsEndpoint:
    """Answers AWS's protocols for one server."""

    def __init__(self, emulator: Emulator, neighbours: NeighboursApp) -> None:
        self._emulator, self._neighbours = emulator, neighbours

    async def handle(self, request: Request) -> Response:
        """The endpoint of the catch-all route."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw}
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        made = HttpRequest(request.method, path, query, headers, await request.body())
        settings = self._emulator.settings
        target = detect(made, settings.account_id, settings.region)
        if target.service in OPERATIONS:
            answer = self.answer(made, target)
        else:
            answer = await self._ask_neighbour(made, target)
        return Response(answer.body, answer.status, dict(answer.headers))

    async def _ask_neighbour(self, request: HttpRequest, target: Target) -> HttpResponse:
        try:
            return await self._neighbours.handle(request, target)
        except Exception:  # noqa: BLE001 - the outermost edge: a failure of moto's, told as a 500 with a log line
            request_id = self._emulator.ids.uuid()
            _LOG.exception("neighbour failed", service=target.service, path=request.path, request_id=request_id)
            body = f"The service {target.service!r} failed; the log tells more under request {request_id}.\n"
            return HttpResponse(500, {"Content-Type": "text/plain", "x-amzn-RequestId": request_id}, body.encode())

    def answer(self, request: HttpRequest, target: Target) -> HttpResponse:
        """The response of one of our own services; never raises."""
        request_id = self._emulator.ids.uuid()
        protocol = protocol_of(target.service)
        try:
            call = protocol.parse(request)
        except WireError as error:
            return protocol.refuse(error, request_id, self._emulator.clock.now())
        try:
            try:
                result = self._perform(target, call)
                return protocol.answer(call.operation, result, request_id, self._emulator.clock.now())
            except AwsError as error:
                return self._refuse(protocol, target, call, error, request_id)
        except Exception:  # noqa: BLE001 - the outermost edge: our bug, told as a 500 with a log line
            _LOG.exception("operation failed", service=target.service, operation=call.operation, request_id=request_id)
            return self._refuse(protocol, target, call, _our_failure(request_id), request_id)

    def _perform(self, target: Target, call: Call) -> Mapping[str, Any]:
        operation = OPERATIONS[target.service].get(call.operation)
        if operation is None:
            raise not_emulated(target.service, call.operation)
        with self._emulator.transaction(target.account, target.region) as context:
            result = operation(context, call.params)
            if not call.operation.startswith(_READING):
                context.record(Kind.API_CALL, f"{target.service}:{call.operation}", {"principal": context.principal})
        if call.operation.startswith(_READING):
            self._emulator.journal.note(self._entry(target, call, {}))
        return result

    def _entry(self, target: Target, call: Call, detail: Mapping[str, Any]) -> Entry:
        subject = f"{target.service}:{call.operation}"
        return Entry(self._emulator.clock.now(), Kind.API_CALL, target.account, target.region, subject, detail)

    def _refuse(self, protocol: Protocol, target: Target, call: Call, error: AwsError, request_id: str) -> HttpResponse:
        self._emulator.journal.note(self._entry(target, call, {"error": error.code, "message": error.message}))
        return protocol.refuse(error, request_id, self._emulator.clock.now())


def _our_failure(request_id: str) -> WireError:
    return WireError("InternalFailure", f"Ashore failed; its log tells more under request {request_id}.", 500)
