"""Whom a request is for: service, account and region.

The credential scope of the signature says it best; where there is none (or the service signs under another name) the
target prefix, the form's version and the host name help. The signature itself is not checked here.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from api.wire.messages import HttpRequest

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-zA-Z0-9_.-]+)/aws4_request")
_ACCOUNT = re.compile(r"\d{12}")
_HOST = re.compile(r"^(?:api\.)?([a-z][a-z0-9-]*)\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com")

_TARGETS = {
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "SpencerFrontendService": "ecr-public",
}
_VERSIONS = {"2010-12-01": "elasticbeanstalk"}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a request is for. `service` is the signing name; empty where nothing tells."""

    service: str
    account: str
    region: str
    access_key: str


def detect(request: HttpRequest, default_account: str, default_region: str) -> Target:
    """Read the target from `request`. Never fails: what is not said is the default."""
    found = _CREDENTIAL.search(request.headers.get("authorization", ""))
    if found is None and "X-Amz-Credential" in request.query:
        credential = parse_qs(request.query).get("X-Amz-Credential", [""])[0]
        found = _CREDENTIAL.search(f"Credential={credential}")
    if found is not None:
        access_key, _, region, service = found.groups()
    else:
        access_key, region, service = "", default_region, ""
    prefix = request.headers.get("x-amz-target", "").partition(".")[0]
    service = _TARGETS.get(prefix, service) or _from_form(request) or _from_host(request)
    account = access_key if _ACCOUNT.fullmatch(access_key) else default_account
    return Target(service, account, region, access_key)


def _from_form(request: HttpRequest) -> str:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    version = re.search(rb"(?:^|&)Version=([0-9-]+)", request.body)
    return _VERSIONS.get(version.group(1).decode(), "") if version else ""


def _from_host(request: HttpRequest) -> str:
    found = _HOST.match(request.headers.get("host", ""))
    return found.group(1) if found else ""
