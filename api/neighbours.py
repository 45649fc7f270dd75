"""Requests for other AWS services (S3, IAM, EC2, …) go to moto, in process, under our rules of account and region.

moto tells services apart by AWS's host names, so a request is handed to it under the name that its credential scope means,
whatever host and port it came to. It is answered once what it changed is on disk.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

from api.wire.detect import Target
from api.wire.messages import HttpRequest, HttpResponse
from emulator.clock import Clock
from emulator.neighbours.adaptations import adapt
from emulator.neighbours.elbv2 import CHANGERS, CREATORS, MotoLoadBalancers
from emulator.neighbours.elbv2_corrections import correct
from emulator.neighbours.moto_backends import MotoNeighbours

_HOSTS = {
    "eventbridge": "events",
    "budgets": "budgets.amazonaws.com",
    "cloudfront": "cloudfront.amazonaws.com",
    "memorydb": "memory-db",
    "timestream": "ingest.timestream",
    "s3vectors": "s3vectors.{region}.api.aws",
    "sagemaker": "api.sagemaker",
}
_READING = re.compile(
    r"(?:BatchGet|Check|Describe|Estimate|Filter|Get|Head|List|Lookup|Query|Scan|Search|Select|Test)[A-Z]"
)
_LAUNCHING = {"ec2", "autoscaling", "cloudformation"}
_ALARMING = frozenset({"monitoring", "cloudformation"})
"""Services whose requests may change alarms."""
_QUEUEING = frozenset({"sqs", "sns", "s3", "events", "cloudformation", "scheduler", "pipes", "states", "lambda"})
"""Services whose requests may put messages into queues."""
_KNOWING = frozenset({"iam", "sts", "cloudformation"})
"""Services whose requests may change users, roles and their sessions."""
_QUIET = {"s3", "sqs", "sns", "ssm", "secretsmanager", "logs", "kms", "dynamodb", "monitoring"}
"""Services that change no instance and no role: their saves need not look at these, which are the largest."""
_FORM_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z]+)")
_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+?)\.(?:s3[.-].+|localhost)")
_OUR_HEADERS = {"date", "server", "content-length", "transfer-encoding", "connection"}
_POLL_SECONDS = 0.1


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class NeighboursApp:
    """Hands requests to moto.

    Args:
        neighbours: whose world they are for.
        clock: tells how long a poll has waited.
        load_balancers: learn of requests that may have changed them.

    """

    def __init__(
        self, neighbours: MotoNeighbours, clock: Clock, load_balancers: MotoLoadBalancers | None = None
    ) -> None:
        self._load_balancers = load_balancers
        self._neighbours, self._world, self._clock = neighbours, neighbours.world, clock

    async def handle(self, request: HttpRequest, target: Target) -> HttpResponse:
        """Answer one request. The path must be as it was sent (percent-encoded).

        Raises:
            Exception: moto failed; that is a bug, not the caller's mistake.

        """
        service = target.service or _unsigned_service(request)
        action = action_of(request)
        if service == "sqs" and action == "ReceiveMessage":
            return await self._receive(request, target)
        response = await self._run(request, target, service, action)
        if service in _KNOWING and not _reads(request, action):
            self._neighbours.identities.changed()
        if service in _LAUNCHING and not _reads(request, action):
            self._neighbours.instances_changed(target.account, target.region)
        if service in _ALARMING and not _reads(request, action):
            self._neighbours.alarms_changed(target.account, target.region)
        if service in _QUEUEING and not _reads(request, action):
            self._neighbours.queues_changed()
        if self._load_balancers is not None and service in CHANGERS and not _reads(request, action):
            self._load_balancers.changed(target.account, target.region)
        return response

    def reset(self) -> None:
        """Forget everything."""
        self._world.reset()
        self._neighbours.identities.changed()

    async def _run(self, request: HttpRequest, target: Target, service: str, action: str) -> HttpResponse:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._world.worker, self._serve, request, target, service, action)

    async def _receive(self, request: HttpRequest, target: Target) -> HttpResponse:
        """SQS's long poll: moto would wait in its only thread, so the waiting is done here."""
        seconds, once = _without_wait(request)
        if seconds is None:
            seconds = await asyncio.get_running_loop().run_in_executor(
                self._world.worker, self._queue_wait, request, target
            )
        waited = 0.0
        while True:
            response = await self._run(once, target, "sqs", "ReceiveMessage")
            if response.status != 200 or waited >= seconds or b"ReceiptHandle" in response.body:
                return response
            await self._clock.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def _queue_wait(self, request: HttpRequest, target: Target) -> int:
        """The queue's own ReceiveMessageWaitTimeSeconds."""
        name = _queue_name(request)
        with self._world.lock:
            queue = self._world.backend("sqs", target.account, target.region).queues.get(name)
            return int(queue.receive_message_wait_time_seconds or 0) if queue is not None else 0

    def _serve(self, request: HttpRequest, target: Target, service: str, action: str) -> HttpResponse:
        """In the worker: let moto answer, and save."""
        with self._world.lock:
            self._world.open()
            adapt(service)
            if service in CREATORS:
                correct()
            before = self._world.count()
            answer = _dispatch(request, target, service)
            if self._world.count() != before:
                self._world.save()
            elif not _reads(request, action):
                self._world.save(untouched=("ec2", "iam") if service in _QUIET else ())
        body = answer.body
        if service == "sqs":  # queues are reached where the client is, not at AWS
            ours = f"http://{request.headers.get('host', 'localhost')}/".encode()
            body = body.replace(f"https://sqs.{target.region}.amazonaws.com/".encode(), ours)
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OUR_HEADERS}
        if request.method == "HEAD":
            kept |= {k: v for k, v in answer.headers.items() if k.lower() == "content-length"}
            body = b""
        kept["Date"] = formatdate(self._clock.now().timestamp(), usegmt=True)
        return HttpResponse(answer.status, kept, body)


def _dispatch(request: HttpRequest, target: Target, service: str) -> _Answer:
    """Find moto's function for the request and call it."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - moto and what it needs are imported at first use
    from moto.core.request import Request  # noqa: PLC0415
    from werkzeug.exceptions import HTTPException  # noqa: PLC0415

    url = f"https://{_host(request, target, service)}{request.path}"
    function = _function(url)
    if function is None:
        return _not_emulated(f"The service {service} is not emulated.")
    headers = {k: v for k, v in request.headers.items() if k not in {"host", "x-moto-account-id"}}
    headers["x-moto-account-id"] = target.account
    full = f"{url}?{request.query}" if request.query else url
    moto_request = Request.from_primitives(request.method, full, headers, request.body)
    try:
        result = function(moto_request, moto_request.raw_url, moto_request.headers)
    except HTTPException as error:
        return _Answer(error.code or 500, dict(error.get_headers()), _bytes(error.get_body()))
    except ClientError as error:
        return _Answer(400, {}, _bytes(error.response["Error"]["Message"]))
    except NotImplementedError as error:
        return _not_emulated(str(error) or "moto does not have this operation.")
    status, answer_headers, body = result if len(result) == 3 else (200, {}, result)
    return _Answer(int(status), {str(k): str(v) for k, v in answer_headers.items()}, _bytes(body))


def _function(url: str) -> Callable[..., Any] | None:
    """The function of moto's for `url`, of the service that knows its host. Only that service is imported."""
    import moto.backends  # noqa: PLC0415 - as above
    from moto.backend_index import backend_url_patterns  # noqa: PLC0415 - as above

    backends: Any = moto.backends  # its functions are typed with a Literal of 180 names

    for service, pattern in backend_url_patterns:
        if not pattern.match(url):
            continue
        found = backends.get_backend(service)
        module = __import__(found.backend.__module__.split(".models")[0] + ".urls", fromlist=["url_paths"])
        for base in module.url_bases:
            for path, function in module.url_paths.items():
                if re.match(path.format(base), url):
                    known: Callable[..., Any] = function
                    return known
    return None


def _host(request: HttpRequest, target: Target, service: str) -> str:
    """AWS's host name for the request."""
    region = target.region
    if service == "s3":
        if request.path.startswith("/v20180820/"):
            return f"{target.account}.s3-control.{region}.amazonaws.com"
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        virtual = _VIRTUAL_HOST.fullmatch(host)
        bucket = f"{virtual['bucket']}." if virtual and virtual["bucket"] != "s3" else ""
        return f"{bucket}s3.{region}.amazonaws.com"
    if service == "dynamodb" and request.headers.get("x-amz-target", "").startswith("DynamoDBStreams"):
        return f"streams.dynamodb.{region}.amazonaws.com"
    if service == "ses" and request.path.startswith("/v2/"):
        return f"email.{region}.amazonaws.com"
    name = _HOSTS.get(service, service)
    return name.format(region=region) if ".a" in name else f"{name}.{region}.amazonaws.com"


def action_of(request: HttpRequest) -> str:
    """The operation's name where header, query or form tell it; empty for REST."""
    if prefixed := request.headers.get("x-amz-target"):
        return prefixed.rpartition(".")[2]
    found = _FORM_ACTION.search(request.query.encode()) or _FORM_ACTION.search(request.body[:4096])
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return found.group(1).decode() if found and (form or not request.body) else ""


def _reads(request: HttpRequest, action: str) -> bool:
    """Whether the request changes nothing worth keeping."""
    return bool(_READING.match(action)) if action else request.method in {"GET", "HEAD", "OPTIONS"}


def _unsigned_service(request: HttpRequest) -> str:
    """Whose a request without credentials is: STS has some, all others are S3's."""
    return "sts" if action_of(request).startswith("AssumeRoleWith") else "s3"


def _without_wait(request: HttpRequest) -> tuple[int | None, HttpRequest]:
    """The seconds that a ReceiveMessage would wait (None where it says nothing), and the same request without waiting."""
    headers = {k: v for k, v in request.headers.items() if k != "content-length"}
    if "x-amz-target" in headers:
        document = json.loads(request.body or b"{}")
        seconds = document.get("WaitTimeSeconds")
        body = json.dumps({**document, "WaitTimeSeconds": 0}).encode()
        return seconds, HttpRequest(request.method, request.path, request.query, headers, body)
    form = parse_qs(request.body.decode() or request.query, keep_blank_values=True)
    given = form.pop("WaitTimeSeconds", None)
    form["WaitTimeSeconds"] = ["0"]
    body = urlencode(form, doseq=True).encode()
    return int(given[0]) if given else None, HttpRequest("POST", request.path, "", headers, body)


def _queue_name(request: HttpRequest) -> str:
    if "x-amz-target" in request.headers:
        url = str(json.loads(request.body or b"{}").get("QueueUrl", ""))
    else:
        url = parse_qs(request.body.decode() or request.query).get("QueueUrl", [request.path])[0]
    return url.rstrip("/").rpartition("/")[2]


def _not_emulated(message: str) -> _Answer:
    document = {"__type": "NotImplementedException", "message": message}
    return _Answer(501, {"content-type": "application/json"}, json.dumps(document).encode())


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    return b"".join(_bytes(part) for part in body) if hasattr(body, "__iter__") else b""
