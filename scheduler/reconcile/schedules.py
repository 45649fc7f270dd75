"""Schedules of scheduled scaling: `at(…)`, `rate(…)` and `cron(…)`. Which instants belong to one is decided by the minute."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_UNITS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_LOOK_BACK = timedelta(days=1)
"""What is older than this when it is looked at (the server was off) is not made up for."""


class ScheduleError(ValueError):
    """A schedule that cannot be read."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at: after `last`, up to `now`."""

    last: datetime
    now: datetime


def is_due(schedule: str, begun: datetime, window: Window, zone: tzinfo = UTC) -> bool:
    """Whether an instant of the schedule lies in the window. A rate counts from `begun`.

    Raises:
        ScheduleError: it is no schedule.

    """
    kind, _, rest = schedule.strip().partition("(")
    if not rest.endswith(")"):
        raise ScheduleError(f"not a schedule: {schedule}")
    match kind:
        case "at":
            return window.last < _instant(rest[:-1], zone) <= window.now
        case "rate":
            every = _rate(rest[:-1])
            return (window.now - begun) // every > max(timedelta(0), window.last - begun) // every
        case "cron":
            return _cron(rest[:-1], window, zone)
        case _:
            raise ScheduleError(f"not a schedule: {schedule}")


def _instant(text: str, zone: tzinfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ScheduleError(f"not an instant: {text}") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _rate(text: str) -> timedelta:
    count, _, unit = text.partition(" ")
    if not count.isdigit() or not int(count) or unit not in _UNITS:
        raise ScheduleError(f"not a rate: {text}")
    try:
        return timedelta(seconds=int(count) * _UNITS[unit])
    except OverflowError as error:
        raise ScheduleError(f"too long a time: {text}") from error


def _cron(text: str, window: Window, zone: tzinfo) -> bool:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ScheduleError(f"not a cron expression: {text}")
    allowed = [_allowed(field, index) for index, field in enumerate(fields)]
    minute = max(window.last, window.now - _LOOK_BACK).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute <= window.now:
        local = minute.astimezone(zone)
        weekday = local.isoweekday() % 7 + 1
        parts = (local.minute, local.hour, local.day, local.month, weekday, local.year)
        last_day = (local + timedelta(days=1)).day == 1 and fields[2] == "L"
        if all(
            part in values or (index == 2 and last_day)
            for index, (part, values) in enumerate(zip(parts, allowed, strict=True))
        ):
            return True
        minute += timedelta(minutes=1)
    return False


def _allowed(field: str, index: int) -> frozenset[int]:
    """The values of a field: `*`, `?`, lists, ranges, steps and names; `L` is the last day of a month."""
    first, last = _FIELDS[index]
    if index == 2 and field == "L":
        return frozenset()
    values: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            low, high = first, last
        else:
            begin, _, end = span.partition("-")
            low = _number(begin, index)
            high = _number(end, index) if end else last if step else low
        if not first <= low <= high <= last or (step and not (step.isdigit() and int(step))):
            raise ScheduleError(f"not a field of a cron expression: {field}")
        values.update(range(low, high + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, index: int) -> int:
    names = {3: _MONTHS, 4: _DAYS}.get(index, ())
    if text in names:
        return names.index(text) + 1
    if not text.isdigit():
        raise ScheduleError(f"not a number: {text}")
    return int(text)
