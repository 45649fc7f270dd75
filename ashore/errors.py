"""What can go wrong on the user's side: each problem has a stable id, says what happened, and how to mend it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the `ashore` command."""

    OK = 0
    USAGE = 2
    NOT_RUNNING = 3
    CONFLICT = 4
    RUNTIME_MISSING = 5
    CHECK_FAILED = 6
    BUG = 70


class Problem(Exception):
    """A problem with its fix; the command prints it and ends with `exit_code`."""

    def __init__(self, code: str, what: str, fix: str, exit_code: Exit) -> None:
        super().__init__(what)
        self.code, self.what, self.fix, self.exit_code = code, what, fix, exit_code


def not_running(url: str) -> Problem:
    """Nothing answers at `url`."""
    return Problem("ASH-N001", f"no emulator at {url}", "ashore start -d", Exit.NOT_RUNNING)


def port_in_use(port: int, holder: str) -> Problem:
    """Somebody else listens on the port."""
    what = f"port {port} is in use by {holder}"
    return Problem("ASH-P001", what, f"stop it, or: ashore start --port {port + 11}", Exit.CONFLICT)


def already_running(url: str) -> Problem:
    """An emulator already answers there."""
    return Problem("ASH-P002", f"an emulator already runs at {url}", "ashore stop, or another --port", Exit.CONFLICT)


def engine_missing(detail: str) -> Problem:
    """`--runtime docker` without an engine."""
    fix = "start Docker, or continue with --runtime simulated"
    return Problem("ASH-D001", f"Docker not reachable ({detail})", fix, Exit.RUNTIME_MISSING)


def did_not_start(log: str) -> Problem:
    """The server ended before it was ready."""
    return Problem("ASH-S001", f"the server ended before it was ready:\n{log}", "ashore doctor", Exit.BUG)


def refused(status: int, message: str) -> Problem:
    """The server refused an administrative request."""
    return Problem("ASH-R001", f"the server refused ({status}): {message}", "see ashore --help", Exit.CHECK_FAILED)
