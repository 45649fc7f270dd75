"""A small client of the server's administrative API (`/_ashore/…`); the standard library is enough for it."""

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ashore.errors import Exit, Problem, bad_variable, not_running, refused

_PATIENCE = 3.0
_LAST_PORT = 65535
_HEADERS = {"Content-Type": "application/json", "X-Ashore": "1"}


@dataclass(frozen=True, slots=True)
class Client:
    """Talks to one server.

    Every call raises `Problem` ASH-N001 where nothing answers, ASH-R001 where the server refuses.
    """

    host: str
    port: int

    @classmethod
    def from_environment(cls) -> "Client":
        """The server that `ASHORE_HOST` and `ASHORE_PORT` name; 127.0.0.1:4566 by default.

        Raises:
            Problem: ASH-S002, the variable is no port.

        """
        host, port = os.environ.get("ASHORE_HOST", "127.0.0.1"), os.environ.get("ASHORE_PORT", "4566")
        if not (port.isdecimal() and 1 <= int(port) <= _LAST_PORT):
            raise bad_variable("ASHORE_PORT", f"{port!r} is no port (1 to {_LAST_PORT})")
        return cls("127.0.0.1" if host in {"0.0.0.0", "::"} else host, int(port))

    @property
    def url(self) -> str:
        """The endpoint URL for AWS clients."""
        return f"http://{'localhost' if self.host == '127.0.0.1' else self.host}:{self.port}"

    def get(self, path: str, **query: str | int | list[str] | None) -> Any:
        """The JSON document at `/_ashore/PATH`."""
        chosen = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
        return self._call("GET", f"/_ashore/{path}" + (f"?{chosen}" if chosen else ""), None)

    def health(self) -> Any:
        """The health document. Whoever says nothing for a few seconds is no emulator: it answers that at any time."""
        return self._call("GET", "/_ashore/health", None, _PATIENCE)

    def post(self, path: str, body: object = None, timeout: float = 60) -> Any:
        """The answer to `body` sent to `/_ashore/PATH`."""
        return self._call("POST", f"/_ashore/{path}", body, timeout)

    def delete(self, path: str, **query: str | None) -> Any:
        """The answer to the removal of what is at `/_ashore/PATH`."""
        chosen = urlencode({name: value for name, value in query.items() if value is not None})
        return self._call("DELETE", f"/_ashore/{path}" + (f"?{chosen}" if chosen else ""), None)

    def stream(self, path: str, body: object) -> Iterator[Any]:
        """The documents that `/_ashore/PATH` answers one by one, a line each, while it works. The last says `end`."""
        connection = http.client.HTTPConnection(self.host, self.port)
        try:
            connection.request("POST", f"/_ashore/{path}", json.dumps(body), _HEADERS)
            response = connection.getresponse()
            if response.status >= http.HTTPStatus.BAD_REQUEST:
                raise refused(response.status, response.read().decode())
            for line in response:
                document = json.loads(line)
                if document["kind"] == "end":
                    return
                yield document
        except (OSError, http.client.HTTPException):
            raise not_running(self.url) from None
        finally:
            connection.close()
        raise refused(response.status, "it broke off before its end; the server's log tells why")

    def answers(self) -> bool:
        """Whether something listens on the port at all."""
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def call(self, target: str, body: object, scope: str) -> Any:
        """The answer of an AWS operation (`PREFIX.Operation`); `scope` is key, date and region of its signature."""
        signed = f"AWS4-HMAC-SHA256 Credential={scope}/ecs/aws4_request, SignedHeaders=host, Signature=0"
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target, "Authorization": signed}
        return self._call("POST", "/", body, headers=headers)

    def _call(
        self, method: str, path: str, body: object, timeout: float = 60, headers: Mapping[str, str] = _HEADERS
    ) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, payload, dict(headers))
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            raise not_running(self.url) from None
        finally:
            connection.close()
        try:
            document = json.loads(text or b"null")
        except ValueError:
            raise refused(response.status, "it does not answer as Ashore does") from None
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise _problem(response.status, document)
        return document


def _problem(status: int, document: Any) -> Problem:
    """The server's own problem with its fix, where it tells one."""
    match (document or {}).get("detail", document):
        case {"id": str(code), "what": str(what), "fix": str(fix)}:
            return Problem(code, what, fix, Exit.CONFLICT if status == http.HTTPStatus.CONFLICT else Exit.CHECK_FAILED)
        case [*errors] if errors and all(
            isinstance(error, dict) and {"loc", "msg"} <= error.keys() for error in errors
        ):
            told = "; ".join(f"{'.'.join(map(str, error['loc'][1:]))}: {error['msg']}" for error in errors)
            return refused(status, told)
        case {"__type": str(code), "message": str(message)}:
            return refused(status, f"{code.rpartition('#')[2]}: {message}")
        case detail:
            return refused(status, str(detail))
