"""What is wrong with who asks, in each protocol's own code and status (reference: iam_elb_autoscaling.md §1.5)."""

import json
from collections.abc import Mapping
from enum import Enum
from typing import Literal

from api.wire.markup import quoted
from api.wire.messages import HttpRequest, HttpResponse, WireError

Family = Literal["query", "json", "rest", "ec2", "s3"]


class Problem(Enum):
    """Why a request is refused before it is looked at."""

    UNKNOWN_KEY = "The security token included in the request is invalid."
    BAD_SIGNATURE = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
        " and signing method. Consult the service documentation for details."
    )
    NO_SIGNATURE = "Missing Authentication Token"
    EXPIRED = "The security token included in the request is expired"
    DENIED = "Access Denied"


_CODES: Mapping[Problem, Mapping[Family, tuple[str, int]]] = {
    Problem.UNKNOWN_KEY: {
        "query": ("InvalidClientTokenId", 403),
        "json": ("UnrecognizedClientException", 400),
        "rest": ("UnrecognizedClientException", 403),
        "ec2": ("AuthFailure", 401),
        "s3": ("InvalidAccessKeyId", 403),
    },
    Problem.BAD_SIGNATURE: {
        "query": ("SignatureDoesNotMatch", 403),
        "json": ("InvalidSignatureException", 400),
        "rest": ("InvalidSignatureException", 403),
        "ec2": ("AuthFailure", 401),
        "s3": ("SignatureDoesNotMatch", 403),
    },
    Problem.NO_SIGNATURE: {
        "query": ("MissingAuthenticationToken", 403),
        "json": ("MissingAuthenticationTokenException", 400),
        "rest": ("MissingAuthenticationTokenException", 403),
        "ec2": ("AuthFailure", 401),
        "s3": ("AccessDenied", 403),
    },
    Problem.EXPIRED: {
        "query": ("ExpiredToken", 403),
        "json": ("ExpiredTokenException", 400),
        "rest": ("ExpiredTokenException", 403),
        "ec2": ("RequestExpired", 400),
        "s3": ("ExpiredToken", 400),
    },
    Problem.DENIED: {
        "query": ("AccessDenied", 403),
        "json": ("AccessDeniedException", 400),
        "rest": ("AccessDeniedException", 403),
        "ec2": ("UnauthorizedOperation", 403),
        "s3": ("AccessDenied", 403),
    },
}
_EC2_TEXT = "AWS was not able to validate the provided access credentials"


def family_of(service: str, request: HttpRequest) -> Family:
    """The protocol in which a request of `service` is answered."""
    if service in {"s3", "ec2"}:
        return "s3" if service == "s3" else "ec2"
    if "x-amz-target" in request.headers:
        return "json"
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return "query" if form or "Action=" in request.query else "rest"


def problem_error(problem: Problem, family: Family, message: str | None = None) -> WireError:
    """The error that a client of the protocol gets; the text is the problem's own unless `message` says more."""
    code, status = _CODES[problem][family]
    text = _EC2_TEXT if code == "AuthFailure" else problem.value
    return WireError(code, message or text, status)


def refusal_for(family: Family, error: WireError, request_id: str) -> HttpResponse:
    """The response that carries `error`, of a service whose model is not ours."""
    headers = {"x-amzn-RequestId": request_id, "Content-Type": "text/xml"}
    told = f"<Code>{quoted(error.code)}</Code><Message>{quoted(error.message)}</Message>"
    match family:
        case "json" | "rest":
            headers |= {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
            text = json.dumps({"__type": error.code, "message": error.message})
        case "s3":
            headers["Content-Type"] = "application/xml"
            text = f"<Error>{told}<RequestId>{request_id}</RequestId></Error>"
        case "ec2":
            text = f"<Response><Errors><Error>{told}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        case _:
            text = f"<ErrorResponse><Error><Type>Sender</Type>{told}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return HttpResponse(error.status, headers, text.encode())
