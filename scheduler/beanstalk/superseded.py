"""Which deployments of an environment nobody needs any more: what was built for them goes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Built:
    """A deployment that has been prepared, or could not be."""

    number: int
    task_definition: str | None
    """What its instances run; a restart has the one of the deployment that it repeats."""


def superseded(deployments: Iterable[Built], needed: Collection[int]) -> tuple[int, ...]:
    """Numbers, ascending.

    Args:
        deployments: those of which something may be left.
        needed: what instances run or are told, what succeeded last, and what is being carried out.

    """
    known = list(deployments)
    held = {one.task_definition for one in known if one.number in needed} - {None}
    gone = (one.number for one in known if one.number not in needed and one.task_definition not in held)
    return tuple(sorted(gone))
