"""What can go wrong on the user's side: each problem has a stable id, says what happened, and how to mend it."""

import re
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


def port_in_use(port: int, holder: str | None) -> Problem:
    """Somebody else listens on the port."""
    what = f"port {port} is in use by {holder or 'another program'}"
    return Problem("ASH-P001", what, f"stop it, or: ashore start --port {port + 11}", Exit.CONFLICT)


def already_running(url: str) -> Problem:
    """An emulator already answers there."""
    return Problem("ASH-P002", f"an emulator already runs at {url}", "ashore stop, or another --port", Exit.CONFLICT)


def engine_missing(detail: str) -> Problem:
    """`--runtime docker` without an engine."""
    fix = "start Docker, or continue with --runtime simulated"
    return Problem("ASH-D001", f"Docker not reachable ({detail})", fix, Exit.RUNTIME_MISSING)


_TOLD = re.compile(
    r"^(?P<code>ASH-[A-Z]\d{3}): (?P<what>.*?)(?:\nfix: (?P<fix>[^\n]*))?\s*\Z", re.MULTILINE | re.DOTALL
)


def did_not_start(log: str, exit_code: int = Exit.BUG) -> Problem:
    """The server ended before it was ready; where it said why (`ASH-…`), that is the problem."""
    told = _TOLD.search(log)
    if told is not None and exit_code in set(Exit):
        return Problem(told["code"], told["what"], told["fix"] or "ashore doctor", Exit(exit_code))
    return Problem("ASH-S001", f"the server ended before it was ready:\n{log}", "ashore doctor", Exit.BUG)


def still_stopping(pid: int, seconds: float) -> Problem:
    """The server does not come to its end."""
    what = f"process {pid} still stops its tasks after {seconds:.0f} s"
    return Problem("ASH-S004", what, "wait for it with a longer --timeout, or look into its log", Exit.CHECK_FAILED)


def not_steady(service: str, cluster: str, state: str) -> Problem:
    """An ECS service did not come to rest in time."""
    where = "" if cluster == "default" else f" --cluster {cluster}"
    return Problem(
        "ASH-W001",
        f"service {service} is not steady: {state}",
        f"ashore explain {service}{where}, or a longer --timeout",
        Exit.CHECK_FAILED,
    )


def lost_setting(name: str) -> Problem:
    """A setting that the server does not show is not in this shell's environment either."""
    what = f"the server was started with {name}, which is not set here"
    return Problem("ASH-S007", what, f"export {name}=…, or: ashore stop, ashore start", Exit.USAGE)


def bad_variable(name: str, why: str) -> Problem:
    """A setting in the environment makes no sense."""
    return Problem("ASH-S002", f"{name}: {why}", "correct it, or unset it to have the default", Exit.USAGE)


def nobody_to_ask(command: str) -> Problem:
    """A command that asks first was given no terminal to ask at."""
    return Problem("ASH-R002", f"{command} asks first, and there is no terminal", f"{command} --yes", Exit.USAGE)


def bug(error: Exception) -> Problem:
    """What nobody thought of."""
    what = f"the command failed: {type(error).__name__}: {error}"
    return Problem("ASH-X001", what, "ASHORE_DEBUG=1 shows where; please report it", Exit.BUG)


_FIXES = (
    ("ClusterNotFoundException", "aws ecs list-clusters, aws ecs create-cluster; clusters belong to a region"),
    ("Invalid instance type", "a type such as t3.large or m5.xlarge"),
    ("no Availability Zone", "leave --az away for all zones of the region"),
    ("no host ", "ashore hosts ls (another cluster with --cluster, another region with --region)"),
    (
        "no task, service",
        "aws ecs list-tasks, aws ecs list-services (another cluster with --cluster, region with --region)",
    ),
    (": MISSING", "aws ecs list-services (another cluster as CLUSTER/SERVICE, another region with --region)"),
    ("no service ", "choose one of them"),
)
"""What a refusal says → what mends it."""


def refused(status: int, message: str) -> Problem:
    """The server refused an administrative request."""
    fix = next((fix for told, fix in _FIXES if told in message), "see ashore --help")
    return Problem("ASH-R001", f"the server refused ({status}): {message}", fix, Exit.CHECK_FAILED)
