"""Reads images from another registry, over HTTP. Blocks: call it in a thread.

The challenge of the registry decides how to log in: Basic with the credentials, or Bearer with a token that the
credentials (or nobody) get from the realm. Authorization is never sent on where a registry redirects to its storage.
"""

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any, Literal

from emulator.ecr.blobs import algorithm_of, digest_of
from emulator.ecr.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

FailureCode = Literal["ImageNotFound", "UpstreamAccessDenied", "UpstreamTooManyRequests", "UpstreamUnavailable"]
_ACCEPT = f"{OCI_INDEX}, {DOCKER_LIST}, {OCI_MANIFEST}, {DOCKER_MANIFEST}"
_SECONDS = 60
_MOST_MANIFEST = 4_194_304
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?")
_CODES: Mapping[int, FailureCode] = {
    401: "UpstreamAccessDenied",
    403: "UpstreamAccessDenied",
    404: "ImageNotFound",
    429: "UpstreamTooManyRequests",
}


class UpstreamError(Exception):
    """The upstream registry did not give what was asked for; `code` is a failure code of ECR's."""

    def __init__(self, code: FailureCode, reason: str) -> None:
        super().__init__(reason)
        self.code: FailureCode = code


@dataclass(frozen=True, slots=True)
class UpstreamManifest:
    """A manifest as the upstream has it."""

    content: bytes
    media_type: str
    digest: str


@dataclass(slots=True)
class Upstream:
    """One registry, and who asks."""

    url: str
    """`HOST[:PORT]`, or with `http://` before; plain HTTP is used with a loopback host anyway."""
    user: str = ""
    password: str = field(default="", repr=False)
    _authorization: str = field(default="", repr=False)

    def manifest(self, name: str, reference: str) -> UpstreamManifest:
        """The manifest that a tag or digest names.

        Raises:
            UpstreamError: see there.

        """
        with self._get(f"/v2/{name}/manifests/{reference}", _ACCEPT) as response:
            content = response.read(_MOST_MANIFEST + 1)
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = digest_of(content, algorithm_of(reference) if ":" in reference else "sha256")
        if len(content) > _MOST_MANIFEST or (":" in reference and digest != reference):
            raise UpstreamError("UpstreamUnavailable", f"{self.url} gave another manifest than {reference}")
        return UpstreamManifest(content, media_type, digest)

    @contextmanager
    def blob(self, name: str, digest: str) -> Iterator[HTTPResponse]:
        """The bytes of a layer, to be read in pieces.

        Raises:
            UpstreamError: see there.

        """
        with self._get(f"/v2/{name}/blobs/{digest}", "*/*") as response:
            yield response

    @contextmanager
    def _get(self, path: str, accept: str) -> Iterator[HTTPResponse]:
        try:
            response = self._open(path, accept)
            with response:
                yield response
        except urllib.error.HTTPError as error:
            code = _CODES.get(error.code, "UpstreamUnavailable")
            raise UpstreamError(code, f"{self.url} answered {error.code} to {path}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise UpstreamError("UpstreamUnavailable", f"{self.url} cannot be reached ({error})") from error

    def _open(self, path: str, accept: str) -> HTTPResponse:
        try:
            return self._request(path, accept)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge:
                raise
            error.close()
            self._authorization = self._answer(challenge)
            return self._request(path, accept)

    def _request(self, path: str, accept: str) -> HTTPResponse:
        request = urllib.request.Request(self._base + path, headers={"Accept": accept})  # noqa: S310 - http or https
        if self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        return _opened(request)

    def _answer(self, challenge: str) -> str:
        """What to send to a registry that challenges so."""
        scheme, _, rest = challenge.partition(" ")
        basic = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if scheme.lower() != "bearer":
            return basic
        parameters = dict(_PARAMETER.findall(rest))
        realm = parameters.pop("realm", "")
        if not realm.startswith(("http://", "https://")):
            raise ValueError("a challenge without a realm")
        request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(parameters)}")  # noqa: S310 - as above
        if self.user:
            request.add_unredirected_header("Authorization", basic)
        with _opened(request) as response:
            document: dict[str, Any] = json.loads(response.read(_MOST_MANIFEST))
        return f"Bearer {document.get('token') or document['access_token']}"

    @property
    def _base(self) -> str:
        if self.url.startswith(("http://", "https://")):
            return self.url.rstrip("/")
        return f"http://{self.url}" if _LOOPBACK.fullmatch(self.url) else f"https://{self.url}"


def _opened(request: urllib.request.Request) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310 - as above
    return response
