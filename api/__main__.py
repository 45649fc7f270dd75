"""`python -I -m api`: the server process. It is told everything through `ASHORE_…` variables."""

import gc
import sys

if __name__ == "__main__":
    gc.disable()  # what is imported is no garbage, and looking through it again and again took a sixth of the imports
    sys.modules["rich"] = None  # type: ignore[assignment]  # structlog would import it to draw tracebacks; a log has no use for it

import errno
import logging
import os
import socket
from contextlib import suppress
from typing import NoReturn

import structlog
import uvicorn
from pydantic import ValidationError
from starlette.types import ASGIApp

from api.bulk import BulkProtocol
from api.front import Front
from api.server import EngineUnreachableError, Server, build
from emulator.settings import Settings
from emulator.state.store import DatabaseInUseError, DatabaseUnreachableError, StateDirInUseError
from emulator.state.urls import DatabaseUrlError

_CONFLICT, _RUNTIME_MISSING, _USAGE = 4, 5, 2
_OTHER_ADDRESS = "choose an address of this machine with --host (127.0.0.1 by default)"
_LISTEN_FIXES = {
    errno.EADDRINUSE: "stop what listens there, or choose another --port",
    errno.EACCES: "choose a --port from 1024 on",
}


def main() -> None:
    """Listen, say where, and serve until told to stop."""
    try:
        settings = Settings()
    except ValidationError as error:
        _fail(f"ASH-S002: {_settings_told(error)}\nfix: correct it, or unset it to have the default", _USAGE)
    level = logging.getLevelNamesMapping().get(settings.log.upper(), logging.INFO)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    listener = _listen(settings)
    port = listener.getsockname()[1]
    try:
        server = build(settings, port)
    except (StateDirInUseError, DatabaseInUseError) as error:
        _fail(f"ASH-S003: {error}", _CONFLICT)
    except (DatabaseUnreachableError, DatabaseUrlError) as error:
        _fail(f"ASH-S005: {error}", _USAGE)
    except EngineUnreachableError as error:
        _fail(
            f"ASH-D001: Docker not reachable ({error})\nfix: start Docker, or use --runtime simulated", _RUNTIME_MISSING
        )
    config = uvicorn.Config(
        Front(server, lambda: _side(server)),
        http=BulkProtocol,
        log_level="error",
        access_log=False,
        lifespan="on",
        date_header=False,
        server_header=False,  # a load balancer's answers bring their own
        proxy_headers=False,  # nobody may say that he is somebody else
    )
    web = uvicorn.Server(config)

    def end() -> None:
        web.should_exit = True

    server.exit = end
    _announce(server, port)
    _spare_the_collector()
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has ended in order
        web.run(sockets=[listener])


def _announce(server: Server, port: int) -> None:
    """Say that the server listens, in one write: whoever reads may go away once he has seen the line he waits for."""
    reason = f"! {server.runtime_reason}\n" if server.runtime_reason else ""
    ready = f"✓ ready at http://localhost:{port}   runtime {server.emulator.runtime.kind}\n"
    with suppress(BrokenPipeError):  # nobody reads: no reason to end
        sys.stdout.write(f'{reason}{ready}next: eval "$(ashore env)" && aws ecs list-container-instances\n')
        sys.stdout.flush()


def _side(server: Server) -> ASGIApp:
    from api.side import side_application  # noqa: PLC0415 - FastAPI takes a third of a start; see `api.front`

    return side_application(server)


def _spare_the_collector() -> None:
    """What was imported stays: looking through it for garbage took up to a quarter of a busy server's time.

    It is not looked through now either: that took 0.2 s and found a thousand objects.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        what = f"ASH-P001: cannot listen on {settings.host}:{settings.port} ({os.strerror(error.errno or 0)})"
        _fail(f"{what}\nfix: {_LISTEN_FIXES.get(error.errno or 0, _OTHER_ADDRESS)}", _CONFLICT)
    listener.listen(1024)
    return listener


def _settings_told(error: ValidationError) -> str:
    """Each setting that makes no sense by the name of its variable; values are not repeated, one may be a secret."""
    told = []
    for fault in error.errors():
        name = str(fault["loc"][0]).upper()
        variable = name if name == "DATABASE_URL" else f"ASHORE_{name}"
        told.append(f"{variable}: {fault['msg'].removeprefix('Value error, ')}")
    return "; ".join(told)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
