"""A step of making or removing: what it leaves in the environment's row, and what it tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.beanstalk.resources.facts import Facts
from emulator.neighbours.environment_ports import EnvironmentResources


class CannotMakeError(Exception):
    """A resource cannot be had; the text is the event's."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a step has done."""

    resources: Mapping[str, Any] = field(default_factory=dict)
    """Entries of the row's `resources` that are new; None removes one."""
    events: tuple[str, ...] = ()


def _always(_facts: Facts) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Doing it again finds what is there already."""

    name: str
    do: Callable[[EnvironmentResources, Facts], Made]
    wanted: Callable[[Facts], bool] = _always
