"""Every AWS request comes here: detect, parse, one transaction, answer.

Operations run on the event-loop thread: it alone touches the state, and a hop to another thread would cost more than most
operations do.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from api.admission import Admission
from api.coverage import OPERATIONS, REASONS
from api.neighbours import NeighboursApp, action_of
from api.wire.access_problems import Problem, family_of, problem_error, refusal_for
from api.wire.detect import Target, detect
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError, not_emulated
from api.wire.neighbour_actions import check_of
from api.wire.protocols import Protocol, protocol_of
from emulator.autoscaling.front import refusal
from emulator.autoscaling.operations import OPERATIONS as APPLICATION_AUTO_SCALING
from emulator.balancer.operations import OPERATIONS as TARGETS
from emulator.ecr.pull_through import Wanted, fetch_named
from emulator.ecs.execute_command import SESSION_MANAGER
from emulator.emulator import Emulator
from emulator.errors import AwsError
from emulator.iam.callers import Caller
from emulator.iam.enforcement import NotAuthorizedError, require
from emulator.iam.neighbours import hanging_on
from emulator.iam.requests import require_request
from emulator.journal import Entry, Kind

_LOG = structlog.get_logger()
_SCALING = "application-autoscaling"
_TABLES = {**OPERATIONS, "elbv2": TARGETS, _SCALING: APPLICATION_AUTO_SCALING, "ssm": SESSION_MANAGER}
"""Of ELBv2 the operations on targets are ours, of Application Auto Scaling the activities, of SSM the sessions; all others are the
neighbour's."""
_MEASURING = {"monitoring", _SCALING, "autoscaling", "cloudformation"}
"""Neighbours whose requests may give the loop `minute` something to do."""
_READING = ("Describe", "List", "Get", "BatchGet", "BatchCheck")
_PULLING = "BatchGetImage"
_SESSIONS = {f"AmazonSSM.{operation}" for operation in SESSION_MANAGER}
"""Targets of SSM that are ours."""


class AwsEndpoint:
    """Answers AWS's protocols for one server."""

    def __init__(self, emulator: Emulator, neighbours: NeighboursApp) -> None:
        self._emulator, self._neighbours = emulator, neighbours
        self._admission = Admission(emulator)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The endpoint of the catch-all route, as an ASGI application."""
        body = await _body(receive)
        if body is None:
            return  # the client has gone
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        request = HttpRequest(scope["method"], path, query, headers, body)
        answer = await self._answer(request, (scope.get("client") or ("",))[0])
        sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        if "content-length" not in (name.lower() for name in answer.headers):
            sent.append((b"content-length", b"%d" % len(answer.body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, request: HttpRequest, address: str) -> HttpResponse:
        settings, headers = self._emulator.settings, request.headers
        known = self._admission.account_of if self._admission.asks else None
        target = detect(request, settings.account_id, settings.region, known)
        try:
            caller = self._admission.caller_of(request, target, address)
        except WireError as error:
            return refusal_for(family_of(target.service, request), error, self._emulator.ids.uuid())
        if (
            target.service in OPERATIONS
            or (target.service == "ssm" and headers.get("x-amz-target") in _SESSIONS)
            or (target.service == _SCALING and action_of(request) in APPLICATION_AUTO_SCALING)
        ):
            refused = await self._pull_through(request, target, caller)
            return refused if refused is not None else self.answer(request, target, caller)
        if target.service == "elasticloadbalancing" and action_of(request) in TARGETS:
            return self.answer(request, replace(target, service="elbv2"), caller)
        denied = self._denied_neighbour(request, target, caller)
        return denied if denied is not None else await self._ask_neighbour(request, target)

    async def _pull_through(self, request: HttpRequest, target: Target, caller: Caller | None) -> HttpResponse | None:
        """Have what a BatchGetImage asks for imported first: no transaction waits for an upstream. The refusal, if it is one."""
        if not request.headers.get("x-amz-target", "").endswith(f".{_PULLING}") or target.service != "ecr":
            return None
        protocol = protocol_of(target.service)
        try:
            call = protocol.parse(request)
        except WireError:
            return None  # told when it is answered
        account = call.params.get("registryId") or target.account
        principal = caller.principal if caller is not None else f"arn:aws:iam::{target.account}:root"
        asked = Wanted(account, target.region, principal, call.params["repositoryName"], "", caller)
        try:
            await fetch_named(self._emulator, asked, call.params["imageIds"])
        except AwsError as error:
            return self._refuse(protocol, target, call, error, self._emulator.ids.uuid())
        return None

    async def _ask_neighbour(self, request: HttpRequest, target: Target) -> HttpResponse:
        if target.service == _SCALING and action_of(request) == "RegisterScalableTarget":
            refused = self._refused_target(request, target)
            if refused is not None:
                return refused
        try:
            return await self._neighbours.handle(request, target)
        except Exception:  # noqa: BLE001 - the outermost edge: a failure of moto's, told as a 500 with a log line
            request_id = self._emulator.ids.uuid()
            _LOG.exception("neighbour failed", service=target.service, path=request.path, request_id=request_id)
            body = f"The service {target.service!r} failed; the log tells more under request {request_id}.\n"
            return HttpResponse(500, {"Content-Type": "text/plain", "x-amzn-RequestId": request_id}, body.encode())
        finally:
            if target.service in _MEASURING:
                self._emulator.loops.wake("minute", f"{target.account}/{target.region}")

    def _denied_neighbour(self, request: HttpRequest, target: Target, caller: Caller | None) -> HttpResponse | None:
        """The refusal of a request that the caller's policies do not allow; None where they do, or nobody asks."""
        check = check_of(request, target, action_of(request)) if caller is not None else None
        if check is None:
            return None
        with self._emulator.transaction(target.account, target.region, caller=caller) as context:
            try:
                require(context, check, hanging_on(context, check))
            except NotAuthorizedError as error:
                family = family_of(target.service, request)
                denied = problem_error(Problem.DENIED, family, str(error))
                return refusal_for(family, denied, context.request_id)
        return None

    def _refused_target(self, request: HttpRequest, target: Target) -> HttpResponse | None:
        try:
            document = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError:
            return None  # moto says so
        with self._emulator.transaction(target.account, target.region) as context:
            message = refusal(context, document)
        if message is None:
            return None
        body = orjson.dumps({"__type": "ValidationException", "message": message})
        return HttpResponse(400, {"Content-Type": "application/x-amz-json-1.1"}, body)

    def answer(self, request: HttpRequest, target: Target, caller: Caller | None = None) -> HttpResponse:
        """The response of one of our own services; never raises."""
        request_id = self._emulator.ids.uuid()
        protocol = protocol_of(target.service)
        try:
            call = protocol.parse(request)
        except WireError as error:
            return protocol.refuse(error, request_id, self._emulator.clock.now())
        try:
            try:
                result = self._perform(target, call, request_id, caller)
                return protocol.answer(call.operation, result, request_id, self._emulator.clock.now())
            except AwsError as error:
                return self._refuse(protocol, target, call, error, request_id)
            except NotAuthorizedError as error:
                denied = problem_error(Problem.DENIED, family_of(target.service, request), str(error))
                return self._refuse(protocol, target, call, denied, request_id)
        except Exception:  # noqa: BLE001 - the outermost edge: our bug, told as a 500 with a log line
            _LOG.exception("operation failed", service=target.service, operation=call.operation, request_id=request_id)
            return self._refuse(protocol, target, call, _our_failure(request_id), request_id)

    def _perform(self, target: Target, call: Call, request_id: str, caller: Caller | None) -> Mapping[str, Any]:
        operation = _TABLES[target.service].get(call.operation)
        if operation is None:
            raise not_emulated(target.service, call.operation, REASONS.get(target.service, {}).get(call.operation))
        with self._emulator.transaction(target.account, target.region, caller=caller) as context:
            context.request_id = request_id  # events of Elastic Beanstalk are asked for by it
            require_request(context, target.service, call.operation, call.params)
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


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where the client went away before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _our_failure(request_id: str) -> WireError:
    return WireError("InternalFailure", f"Ashore failed; its log tells more under request {request_id}.", 500)
