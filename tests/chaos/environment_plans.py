"""What one life of a server is to do, and at which moment it may end."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

Request = tuple[str, dict[str, Any]]
"""An operation of Elastic Beanstalk and what it is asked."""


class Moment(StrEnum):
    """When lives end."""

    CALL = "after a call"
    """A neighbour has changed, and has it on its disk; no row tells of it."""
    COMMIT = "after a commit"
    """A row tells of something; the neighbours have on their disk what they were asked to keep, and no more."""


@dataclass(frozen=True, slots=True)
class Life:
    """What a process is to do with a state folder."""

    folder: Path
    requests: tuple[Request, ...] = ()
    """Asked first, before any loop runs."""
    runs: bool = True
    """Then let time pass until no environment is busy."""
    until: str = ""
    """… or until an operation waits for this."""
    died_at: frozenset[str] = frozenset()
    """Marks at which earlier lives have died already."""
    at: Moment | None = None
    """None: this life does not die."""
    every: int = 1
    """One of so many marks counts, chosen by what it says."""
    twice: bool = False
    """Every step is done twice, and must have done nothing the second time."""
