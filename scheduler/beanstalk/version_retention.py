"""Which versions of an application its life-cycle rules remove, and why (reference: beanstalk.md §3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_AT_ONCE = 100
"""Versions that one run removes."""


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version, as far as the rules look at it."""

    label: str
    created_at: datetime
    in_use: bool
    """An environment runs it, or ran it and is remembered."""


@dataclass(frozen=True, slots=True)
class CountRule:
    """Keep the newest so many."""

    most: int
    delete_source: bool = False


@dataclass(frozen=True, slots=True)
class AgeRule:
    """Keep what is not older."""

    most: timedelta
    delete_source: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """A version that goes."""

    label: str
    reason: str
    delete_source: bool


def removals(
    versions: Sequence[VersionFacts], count: CountRule | None, age: AgeRule | None, now: datetime
) -> tuple[Removal, ...]:
    """The versions that go, the oldest first, at most `MOST_AT_ONCE`.

    Args:
        versions: those of the application, without the one that was just made: it is not counted.
        count: None: not enabled.
        age: None: not enabled.
        now: the present instant.

    """
    oldest_first = sorted(versions, key=lambda version: (version.created_at, version.label))
    surplus = max(0, len(oldest_first) - count.most) if count is not None else 0
    found = []
    for place, version in enumerate(oldest_first):
        if version.in_use:
            continue
        if count is not None and place < surplus:
            reason = f"more than {count.most} versions, {len(oldest_first) - place - 1} are newer"
            found.append(Removal(version.label, reason, count.delete_source))
        elif age is not None and now - version.created_at > age.most:
            reason = f"older than {age.most.days} days"
            found.append(Removal(version.label, reason, age.delete_source))
    return tuple(found[:MOST_AT_ONCE])
