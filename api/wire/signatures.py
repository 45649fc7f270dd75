"""Whether a request was signed with the secret of its key: in its header or its address, by version 4 or (S3's addresses) 2.

botocore's own signers compute the expected signature from what was received, with the headers that were signed and no
others (reference: iam_elb_autoscaling.md §1). The age of a signature is not judged: clients sign by their own clock, and
the emulator's may be elsewhere.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from api.wire.messages import HttpRequest

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=[^/]+/(?P<scope>[^,\s]+?)/aws4_request,?\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),?\s*Signature=(?P<signature>[0-9a-f]+)"
)
_HASH = re.compile(r"[0-9a-f]{64}")
_UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a signature of version 4 covers."""

    scope: str
    """DAY/REGION/SERVICE."""
    headers: tuple[str, ...]
    signature: str
    date: str
    presigned: bool = False


def signed_with(request: HttpRequest, access_key: str, secret: str) -> bool:
    """Whether `secret` made the signature of `request`."""
    if "AWSAccessKeyId=" in request.query:
        return _old_signed_with(request, access_key, secret)
    signed = _of_query(request) if "X-Amz-Signature=" in request.query else _of_header(request)
    if signed is None or signed.scope.count("/") != 2 or signed.scope[:8] != signed.date[:8]:
        return False
    s3 = signed.scope.endswith("/s3")
    payload = _payload(request, unsigned=signed.presigned and s3)
    if payload is None:
        return False
    return any(
        hmac.compare_digest(_signature(request, signed, (access_key, secret), payload, path_as_sent), signed.signature)
        for path_as_sent in ((True,) if s3 else (False, True))  # the EB CLI signs all as for S3
    )


def token_of(request: HttpRequest) -> str:
    """The session token that came with the request; empty where none did."""
    found = dict(parse_qsl(request.query)) if "oken=" in request.query else {}
    told = found.get("X-Amz-Security-Token") or found.get("x-amz-security-token")
    return told or request.headers.get("x-amz-security-token", "")


def _of_header(request: HttpRequest) -> _Signed | None:
    found = _SIGNED.match(request.headers.get("authorization", ""))
    if found is None:
        return None
    date = request.headers.get("x-amz-date", "")
    return _Signed(found["scope"], tuple(found["headers"].split(";")), found["signature"], date)


def _of_query(request: HttpRequest) -> _Signed:
    given = dict(parse_qsl(request.query))
    scope = given.get("X-Amz-Credential", "").partition("/")[2].removesuffix("/aws4_request")
    headers = tuple(given.get("X-Amz-SignedHeaders", "").split(";"))
    return _Signed(scope, headers, given.get("X-Amz-Signature", ""), given.get("X-Amz-Date", ""), presigned=True)


def _payload(request: HttpRequest, *, unsigned: bool) -> str | None:
    """What stands for the body in the signature; None where it is the hash of another body."""
    told, real = request.headers.get("x-amz-content-sha256"), sha256(request.body).hexdigest()
    if told is not None:
        return told if not _HASH.fullmatch(told) or told == real else None
    return _UNSIGNED if unsigned else real


def _signature(
    request: HttpRequest, signed: _Signed, credentials: tuple[str, str], payload: str, path_as_sent: bool
) -> str:
    from botocore.auth import S3SigV4Auth, SigV4Auth  # noqa: PLC0415 - only who checks signatures pays for it
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    _, region, service = signed.scope.split("/")
    signer: Any = (S3SigV4Auth if path_as_sent else SigV4Auth)(Credentials(*credentials), service, region)
    query = "&".join(pair for pair in request.query.split("&") if not pair.startswith("X-Amz-Signature="))
    headers = {name: request.headers.get(name, "") for name in signed.headers}
    made = AWSRequest(request.method, f"http://host{request.path}?{query}", headers)
    made.context["timestamp"] = signed.date
    canonical = "\n".join(
        [
            request.method.upper(),
            signer._normalize_url_path(request.path) or "/",  # noqa: SLF001 - what clients sign with
            signer.canonical_query_string(made),
            signer.canonical_headers(made.headers) + "\n",
            signer.signed_headers(made.headers),
            payload,
        ]
    )
    return str(signer.signature(signer.string_to_sign(made, canonical), made))


def _old_signed_with(request: HttpRequest, access_key: str, secret: str) -> bool:
    """An address of S3's by version 2: HMAC-SHA1 over method, expiry and path."""
    from botocore.auth import HmacV1Auth  # noqa: PLC0415 - as above
    from botocore.compat import HTTPHeaders  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    given = dict(parse_qsl(request.query))

    class Signer(HmacV1Auth):
        def _get_date(self) -> str:
            return given.get("Expires", "")

    headers: Any = HTTPHeaders()
    for name, value in request.headers.items():
        if name in {"content-md5", "content-type"} or name.startswith("x-amz-"):
            headers[name] = value
    if token := given.get("x-amz-security-token"):
        headers["x-amz-security-token"] = token
    own = {"AWSAccessKeyId", "Expires", "Signature"}
    query = "&".join(pair for pair in request.query.split("&") if pair.partition("=")[0] not in own)
    address = urlsplit(f"http://host{request.path}?{query}")
    expected: str = Signer(Credentials(access_key, secret)).get_signature(request.method, address, headers)
    return hmac.compare_digest(expected.encode(), given.get("Signature", "").encode())
