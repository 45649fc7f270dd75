"""Periodic tasks of a worker environment: expressions, which instance puts tasks into the queue, and which are due.

An expression has five fields in UTC: minute, hour, day of month, month, day of week. As in cron, a day matches when either of the
two day fields does, if both are restricted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_FARTHEST = timedelta(days=366 * 8)
"""29 February comes again within eight years."""

LATE = timedelta(hours=1)
"""What fell due longer ago while the server was off is not made up for. AWS's daemon makes up for the last one of a task only."""


class CronError(ValueError):
    """It cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """The values that each field admits."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0: Sunday."""
    any_day: bool
    any_weekday: bool

    def admits_day(self, at: datetime) -> bool:
        weekday = at.isoweekday() % 7 in self.weekdays
        day = at.day in self.days
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        CronError: it is none.

    """
    fields = _MACROS.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise CronError(f"not five fields: {text!r}")
    minutes, hours, days, months, weekdays = (_values(field, index) for index, field in enumerate(fields))
    sundays = frozenset(day % 7 for day in weekdays)
    return Expression(minutes, hours, days, months, sundays, fields[2].startswith("*"), fields[4].startswith("*"))


def _values(field: str, index: int) -> frozenset[int]:
    first, last = _BOUNDS[index]
    found: set[int] = set()
    for part in field.upper().split(","):
        span, slash, every = part.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            begin, end = first, last
        else:
            begin = _number(low, index, field)
            end = _number(high, index, field) if dash else last if slash else begin
        if slash and (not every.isdigit() or not int(every)):
            raise CronError(f"not a step: {field!r}")
        if not first <= begin <= end <= last:
            raise CronError(f"out of range: {field!r}")
        found.update(range(begin, end + 1, int(every or 1)))
    return frozenset(found)


def _number(text: str, index: int, field: str) -> int:
    names = {3: _MONTHS, 4: _DAYS}.get(index, ())
    if text in names:
        return names.index(text) + (1 if index == 3 else 0)
    if not text.isdigit():
        raise CronError(f"not a number: {field!r}")
    return int(text)


def following(expression: Expression, after: datetime) -> datetime | None:
    """The first whole minute later than `after` that it admits; None: there is none (31 February)."""
    at = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = at + _FARTHEST
    while at < end:
        if at.month not in expression.months:
            at = (at.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)
        elif not expression.admits_day(at):
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif at.hour not in expression.hours:
            at = at.replace(minute=0) + timedelta(hours=1)
        elif at.minute not in expression.minutes:
            at += timedelta(minutes=1)
        else:
            return at
    return None


@dataclass(frozen=True, slots=True)
class Due:
    """A periodic task is to go into the queue."""

    at: datetime
    """A whole minute."""
    name: str


def due(tasks: Mapping[str, Expression], looked: datetime, now: datetime) -> tuple[Due, ...]:
    """What has fallen due after `looked`, up to and with `now`, in the order in which it did."""
    begin = max(looked, now - LATE)
    return tuple(sorted(_due(tasks, begin, now), key=lambda one: (one.at, one.name)))


def _due(tasks: Mapping[str, Expression], begin: datetime, now: datetime) -> Iterator[Due]:
    for name, expression in tasks.items():
        at = following(expression, begin)
        while at is not None and at <= now:
            yield Due(at, name)
            at = following(expression, at)


def next_due(tasks: Mapping[str, Expression], now: datetime) -> datetime | None:
    """When the next one falls due; None: none ever does."""
    found = (following(expression, now) for expression in tasks.values())
    return min((at for at in found if at is not None), default=None)


def leader(present: str | None, instances: Iterable[str]) -> str | None:
    """Which instance puts periodic tasks into the queue: the same as before while it is there, else the first by id."""
    ids = sorted(instances)
    return present if present in ids else next(iter(ids), None)
