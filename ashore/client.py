"""A small client of the server's administrative API (`/_ashore/…`); the standard library is enough for it."""

import http.client
import json
import os
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ashore.errors import not_running, refused


@dataclass(frozen=True, slots=True)
class Client:
    """Talks to one server.

    Every call raises `Problem` ASH-N001 where nothing answers, ASH-R001 where the server refuses.
    """

    host: str
    port: int

    @classmethod
    def from_environment(cls) -> "Client":
        """The server that `ASHORE_HOST` and `ASHORE_PORT` name; 127.0.0.1:4566 by default."""
        host = os.environ.get("ASHORE_HOST", "127.0.0.1")
        return cls("127.0.0.1" if host in {"0.0.0.0", "::"} else host, int(os.environ.get("ASHORE_PORT", "4566")))

    @property
    def url(self) -> str:
        """The endpoint URL for AWS clients."""
        return f"http://{'localhost' if self.host == '127.0.0.1' else self.host}:{self.port}"

    def get(self, path: str, **query: str | int | None) -> Any:
        """The JSON document at `/_ashore/PATH`."""
        chosen = urlencode({name: value for name, value in query.items() if value is not None})
        return self._call("GET", f"/_ashore/{path}" + (f"?{chosen}" if chosen else ""), None)

    def post(self, path: str, body: object = None, timeout: float = 60) -> Any:
        """The answer to `body` sent to `/_ashore/PATH`."""
        return self._call("POST", f"/_ashore/{path}", body, timeout)

    def answers(self) -> bool:
        """Whether something listens on the port at all."""
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _call(self, method: str, path: str, body: object, timeout: float = 60) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, payload, {"Content-Type": "application/json", "X-Ashore": "1"})
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
            raise refused(response.status, str((document or {}).get("detail", document)))
        return document
