"""`python -I -m api`: the server process. It is told everything through `ASHORE_…` variables."""

import logging
import os
import socket
import sys
from typing import NoReturn

import structlog
import uvicorn
from pydantic import ValidationError

from api.app import application
from api.server import EngineUnreachableError, build
from emulator.settings import Settings
from emulator.state.store import StateDirInUseError

_CONFLICT, _RUNTIME_MISSING, _USAGE = 4, 5, 2


def main() -> None:
    """Listen, say where, and serve until told to stop."""
    try:
        settings = Settings()
    except ValidationError as error:
        _fail(f"ASH-S002: {error}", _USAGE)
    level = logging.getLevelNamesMapping().get(settings.log.upper(), logging.INFO)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    listener = _listen(settings)
    port = listener.getsockname()[1]
    try:
        server = build(settings, port)
    except StateDirInUseError as error:
        _fail(f"ASH-S003: {error}", _CONFLICT)
    except EngineUnreachableError as error:
        _fail(
            f"ASH-D001: Docker not reachable ({error})\nfix: start Docker, or use --runtime simulated", _RUNTIME_MISSING
        )
    config = uvicorn.Config(application(server), log_level="error", access_log=False, lifespan="on", date_header=False)
    web = uvicorn.Server(config)

    def end() -> None:
        web.should_exit = True

    server.exit = end
    if server.runtime_reason:
        sys.stdout.write(f"! {server.runtime_reason}\n")
    sys.stdout.write(f"✓ ready at http://localhost:{port}   runtime {server.emulator.runtime.kind}\n")
    sys.stdout.write('next: eval "$(ashore env)" && aws ecs list-container-instances\n')
    sys.stdout.flush()
    web.run(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        _fail(
            f"ASH-P001: cannot listen on {settings.host}:{settings.port} ({os.strerror(error.errno or 0)})", _CONFLICT
        )
    listener.listen(1024)
    return listener


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
