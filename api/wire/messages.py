"""What goes in and out of the wire layer: plain values, so that it needs no web framework and is tested without one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from emulator.errors import AwsError


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came in."""

    method: str
    path: str
    """As sent: still percent-encoded (ASGI's `raw_path`), because EKS has ARNs with encoded slashes in its paths."""
    query: str
    """As sent, without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """An operation with its parameters, checked against the model."""

    operation: str
    params: dict[str, Any] = field(default_factory=dict)


class WireError(AwsError):
    """An error of the protocol itself; its code is not tied to a class."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the class variable holds for every other error
        self.status = status


def not_emulated(service: str, operation: str, reason: str | None = None) -> WireError:
    """The answer to an operation that the model has and Ashore has not. Clients do not retry a 501."""
    why = "" if reason is None else f" ({reason})"
    message = f"{service}:{operation} is not emulated{why or ' yet'}; `ashore coverage {service}` lists what is."
    return WireError("NotImplementedException", message, 501)


def headers(content_type: str, request_id: str, now: datetime | None) -> dict[str, str]:
    """What every response carries. Without `now` the caller adds the `Date`: the EB CLI cannot do without one."""
    found = {"Content-Type": content_type, "x-amzn-RequestId": request_id}
    if now is not None:
        found["Date"] = _date(int(now.timestamp()))
    return found


@lru_cache(maxsize=4)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
