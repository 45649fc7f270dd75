"""A server that answers registry routes only, on a real socket, and a client that shows what comes back."""

import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from api.bulk import BulkProtocol
from api.routes.registry import RegistryEndpoint
from emulator.clock import Clock
from emulator.ecr.repositories import create_repository
from emulator.ecr.tokens import mint
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, REGION, ecr_emulator

Body = bytes | str | Iterator[bytes] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str:
        """The code of the first error."""
        return str(json.loads(self.body)["errors"][0]["code"])

    @property
    def message(self) -> str:
        """The message of the first error."""
        return str(json.loads(self.body)["errors"][0]["message"])


@dataclass(slots=True)
class Registry:
    """A running server and credentials for it."""

    emulator: Emulator
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        """Host and port, as docker writes them."""
        return f"localhost:{self.emulator.port}"

    @property
    def basic(self) -> str:
        """The credentials as a header has them."""
        return basic_of(self.password)

    def create(self, name: str) -> str:
        """Make a repository."""
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            create_repository(context, {"repositoryName": name})
        return name

    def ask(self, method: str, path: str, body: Body = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request with the credentials, unless `headers` has others."""
        return ask(self.emulator.port, self.password, method, path, body, headers)


def basic_of(password: str) -> str:
    """Credentials as a header has them."""
    return "Basic " + base64.b64encode(f"AWS:{password}".encode()).decode()


def ask(
    port: int, password: str, method: str, path: str, body: Body = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request with credentials, unless `headers` has others."""
    sent: dict[str, Any] = {"Authorization": basic_of(password), **(headers or {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {key: value for key, value in sent.items() if value})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@contextmanager
def running_registry(folder: Path, clock: Clock | None = None) -> Iterator[Registry]:
    """Serve the registry from `folder` on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    emulator = ecr_emulator(folder, listener.getsockname()[1], clock)
    server = uvicorn.Server(
        uvicorn.Config(
            RegistryEndpoint(emulator), http=BulkProtocol, log_level="warning", access_log=False, lifespan="off"
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Registry(emulator, mint(emulator, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root"))
    finally:
        server.should_exit = True
        thread.join()
        emulator.store.close()
