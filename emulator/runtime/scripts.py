"""What simulated containers do, by the name of their image. Kept with the state, so that `kill -9` changes nothing."""

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from sqlalchemy.orm import Session

from emulator.runtime.ports import Health
from emulator.state.journal import ServerStateRow

_ROW = "runtime.scripts"
"""A name with a point is a part's own, which a reset drops."""


@dataclass(frozen=True, slots=True)
class Script:
    """What containers of an image do; durations in seconds of the clock."""

    pull: float = 0
    start: float = 0
    stop: float = 0
    """From SIGTERM to the end; one that takes longer than the stop timeout is killed (137)."""
    stop_exit_code: int = 143
    """How it ends after SIGTERM."""
    pull_error: str | None = None
    build: float = 0
    build_error: str | None = None
    """How building it fails; what follows the last line break is the engine's error, what precedes it its output."""
    exposes: int | None = None
    """A port that a built image exposes though its Dockerfile does not: its base image's."""
    start_error: str | None = None
    runs_for: float | None = None
    """Ends by itself after so long; None: runs until it is stopped."""
    exit_code: int = 0
    """How it ends by itself."""
    out_of_memory: bool = False
    health: Health = "HEALTHY"
    """What its health check finds, where it has one."""
    health_after: float = 0
    answers: int = 200
    """The HTTP status with which an application of the worker tier answers messages."""
    answers_after: float = 0
    cpu: float = 0
    """What its containers use, in percent of their share of the task's CPU units."""
    memory: float = 0
    """The same of the task's memory."""


class Scripts:
    """Scripts by pattern of image names (`web:*`); where several match, the newest holds."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        """Newest last."""

    def set(self, pattern: str, script: Script) -> None:
        """Have images whose name matches `pattern` behave so; an older script of the same pattern goes."""
        self._scripts.pop(pattern, None)
        self._scripts[pattern] = script

    def remove(self, pattern: str) -> bool:
        """Whether there was such a script."""
        return self._scripts.pop(pattern, None) is not None

    def clear(self) -> None:
        """Forget all."""
        self._scripts.clear()

    def newest_first(self) -> dict[str, Script]:
        """Pattern → script, in the order in which they are tried."""
        return dict(reversed(self._scripts.items()))

    def of(self, image: str) -> Script:
        """What containers of `image` do."""
        found = (script for pattern, script in reversed(self._scripts.items()) if fnmatchcase(image, pattern))
        return next(found, Script())

    def save(self, session: Session) -> None:
        """Keep them for the next start."""
        # a list, because not every database keeps the order of an object's members
        value = {"scripts": [[pattern, asdict(script)] for pattern, script in self._scripts.items()]}
        session.merge(ServerStateRow(name=_ROW, value=value))

    def load(self, session: Session) -> None:
        """Take up what `save` kept."""
        row = session.get(ServerStateRow, _ROW)
        kept = row.value["scripts"] if row is not None else []
        self._scripts = {pattern: Script(**members) for pattern, members in kept}
