"""Real HTTP servers on loopback addresses of their own, which say who they are and may be told to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

_ADDRESSES = count(2)


@dataclass(slots=True)
class Backend:
    """A server; `name` is what it answers."""

    name: str
    address: str
    port: int
    status: int = 200
    seen: list[str] = field(default_factory=list)
    """Paths that were asked, health checks too."""
    gate: threading.Event = field(default_factory=threading.Event)
    """`/slow` waits for it."""
    entered: threading.Event = field(default_factory=threading.Event)
    """`/slow` has been asked."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the test's."""


@contextmanager
def backend(name: str, address: str | None = None, port: int = 0) -> Iterator[Backend]:
    """Serve until the end of the block."""
    host = address or f"127.77.0.{next(_ADDRESSES) % 250 + 2}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            found.seen.append(self.path)
            if self.path == "/slow":
                found.entered.set()
                found.gate.wait(30)
            body = f"{name} {self.path} {dict(self.headers)}".encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Tests need no log."""

    server = _Server((host, port), Handler)
    found = Backend(name, host, server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
