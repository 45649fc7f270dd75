"""What a lifecycle policy does to each image, and why. Pure (reference: ecr.md §7.2).

Every rule looks at the same images; results are taken in the order of priority. The first rule that selects an image by
its tags and storage class owns it, even where it keeps it: rules after it count the image, but never act on it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from emulator.ecr.lifecycle.document import Rule, StorageClass


class Action(Enum):
    """What is done to an image."""

    KEEP = "KEEP"
    EXPIRE = "EXPIRE"
    TRANSITION = "TRANSITION"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image as rules see it."""

    digest: str
    pushed_at: datetime
    tags: frozenset[str] = frozenset()
    storage_class: StorageClass = "standard"
    pulled_at: datetime | None = None
    activated_at: datetime | None = None
    """When it last came back from the archive."""
    archived_at: datetime | None = None
    bound_to: str | None = None
    """The digest of an index that names it, or of what it signs: it goes with that, never before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one image."""

    candidate: Candidate
    action: Action
    priority: int | None
    """Of the rule that owns the image; None where none does."""
    reason: str


def evaluate(rules: Iterable[Rule], candidates: Iterable[Candidate], now: datetime) -> list[Outcome]:
    """The outcome of each image, newest first."""
    snapshot = sorted(candidates, key=lambda item: (item.pushed_at, item.digest), reverse=True)
    outcomes: dict[str, Outcome] = {}
    for rule in sorted(rules, key=lambda item: item.priority):
        selected = [item for item in snapshot if selects(rule, item)]
        for rank, item in enumerate(selected):
            if item.digest not in outcomes:
                outcomes[item.digest] = _outcome(rule, item, rank, len(selected), now)
    return [outcomes.get(item.digest) or Outcome(item, Action.KEEP, None, "no rule selects it") for item in snapshot]


def selects(rule: Rule, candidate: Candidate) -> bool:
    """Whether the rule means the image by its storage class and tags."""
    if rule.storage_class != candidate.storage_class:
        return False
    match rule.tag_status:
        case "any":
            return True
        case "untagged":
            return not candidate.tags
        case "tagged":
            patterns = (re.compile(_expression(pattern), re.DOTALL) for pattern in rule.patterns)
            return (
                bool(candidate.tags)
                and all(any(pattern.fullmatch(tag) for tag in candidate.tags) for pattern in patterns)
                and all(any(tag.startswith(prefix) for tag in candidate.tags) for prefix in rule.prefixes)
            )


def since(rule: Rule, candidate: Candidate) -> datetime:
    """The instant from which the rule counts the image's days."""
    match rule.count_type:
        case "sinceImagePulled":
            instants = (candidate.pulled_at, candidate.activated_at)
            return max((instant for instant in instants if instant is not None), default=candidate.pushed_at)
        case "sinceImageTransitioned":
            return candidate.archived_at or candidate.pushed_at
        case _:
            return candidate.pushed_at


def _outcome(rule: Rule, item: Candidate, rank: int, selected: int, now: datetime) -> Outcome:
    """What the rule that owns the image does. `rank` is its place among those selected, the newest being 0."""
    if rule.count_type == "imageCountMoreThan":
        due = rank >= rule.count
        why = f"it is number {rank + 1} of {selected} images by age, {rule.count} are kept"
    else:
        age = now - since(rule, item)
        due = age > timedelta(days=rule.count)
        why = f"{_DONE[rule.count_type]} {_days(age)} days ago, the limit is {rule.count} days"
    if not due:
        return Outcome(item, Action.KEEP, rule.priority, f"rule {rule.priority} keeps it: {why}")
    if item.bound_to is not None:
        return Outcome(
            item,
            Action.KEEP,
            rule.priority,
            f"rule {rule.priority} would {rule.action} it, but {item.bound_to} needs it",
        )
    action = Action.EXPIRE if rule.action == "expire" else Action.TRANSITION
    return Outcome(item, action, rule.priority, f"rule {rule.priority} has it {_PAST[action]}: {why}")


_DONE = {"sinceImagePushed": "pushed", "sinceImagePulled": "last used", "sinceImageTransitioned": "archived"}
_PAST = {Action.EXPIRE: "expired", Action.TRANSITION: "archived"}


def _expression(pattern: str) -> str:
    return ".*".join(map(re.escape, pattern.split("*")))


def _days(age: timedelta) -> str:
    return f"{age / timedelta(days=1):.1f}".removesuffix(".0")


def actions(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that do something, by rule and then the oldest first, as a preview lists them (unconfirmed)."""
    acting = [outcome for outcome in outcomes if outcome.action is not Action.KEEP]
    return sorted(acting, key=lambda outcome: (outcome.priority or 0, outcome.candidate.pushed_at))
