"""When an environment is updated without being asked: a platform version or fresh instances, in a window of two hours each week.

Reference: beanstalk.md §7.3. What happens to an action whose window passes while the environment is busy is (unconfirmed): it has
failed with InvalidEnvironmentState, and the next window is planned anew.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LENGTH = timedelta(hours=2)
"""How long a window is open."""
SCAN = timedelta(hours=1)
"""How often what is to be done is looked at: at full hours, so that all who ask to look again ask for the same instant."""
_WEEK = timedelta(weeks=1)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_START = re.compile(rf"({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)", re.ASCII | re.IGNORECASE)

Version = tuple[int, int, int]


class ActionKind(StrEnum):
    """ActionType."""

    PLATFORM_UPDATE = "PlatformUpdate"
    INSTANCE_REFRESH = "InstanceRefresh"


@dataclass(frozen=True, slots=True)
class WeeklyStart:
    """PreferredStartTime, in UTC."""

    weekday: int
    """Monday is 0."""
    hour: int
    minute: int

    def last(self, now: datetime) -> datetime:
        """The last start that is not later than `now`."""
        day = now - timedelta(days=(now.weekday() - self.weekday) % 7)
        start = day.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        return start if start <= now else start - _WEEK


def weekly_start(text: str) -> WeeklyStart | None:
    """`Tue:09:00`; None: it is none."""
    found = _START.fullmatch(text)
    if found is None:
        return None
    return WeeklyStart(_DAYS.index(found[1].capitalize()), int(found[2]), int(found[3]))


@dataclass(frozen=True, slots=True)
class Plan:
    """What an environment's settings ask for."""

    start: WeeklyStart
    minor: bool
    """UpdateLevel: minor versions too; else patches only."""
    refresh: bool
    """InstanceRefreshEnabled."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An action that waits for its window."""

    kind: ActionKind
    version: Version | None
    """To which it updates; None: fresh instances."""
    window: datetime


@dataclass(frozen=True, slots=True)
class ManagedView:
    """An environment at one instant."""

    now: datetime
    plan: Plan | None
    """None: managed actions are not enabled."""
    version: Version
    newest: Version
    """Of the same branch: updates never leave it."""
    ready: bool
    planned: Planned | None
    used: datetime | None = None
    """The start of the last window that had an action, whatever became of it."""


class Do(StrEnum):
    """What becomes of the environment's action."""

    NOTHING = "Nothing"
    SCHEDULE = "Schedule"
    """`planned` is to be done in its window."""
    DROP = "Drop"
    """The action is no longer wanted."""
    BEGIN = "Begin"
    MISS = "Miss"
    """Its window is over, and it had to wait all the time."""


@dataclass(frozen=True, slots=True)
class ManagedStep:
    """What to do, and why."""

    do: Do
    reason: str
    planned: Planned | None = None
    """What is to be scheduled."""
    look_again: datetime | None = None


def step(view: ManagedView) -> ManagedStep:
    """One step; after any that does something, look at once again."""
    wanted = _wanted(view)
    if view.planned is None:
        if wanted is None:
            again = _next_scan(view.now) if view.plan is not None else None
            return ManagedStep(Do.NOTHING, "nothing is to be updated", look_again=again)
        return ManagedStep(Do.SCHEDULE, _why(view, wanted), planned=wanted)
    dropped = _dropped(view, view.planned, wanted)
    if dropped is not None:
        return ManagedStep(Do.DROP, dropped)
    return _at_window(view, view.planned.window)


def _dropped(view: ManagedView, planned: Planned, wanted: Planned | None) -> str | None:
    """Why the action is no longer wanted as it is; None: it is."""
    if wanted is None:
        return "nothing is to be updated any more"
    if (wanted.kind, wanted.version) != (planned.kind, planned.version):
        return "something else is to be done"
    if wanted.window != planned.window and view.now < planned.window + LENGTH:
        return "the window was moved"
    return None


def _at_window(view: ManagedView, window: datetime) -> ManagedStep:
    end = window + LENGTH
    if view.now >= end:
        return ManagedStep(Do.MISS, "the environment was not Ready while the window was open")
    if view.now >= window and view.ready:
        return ManagedStep(Do.BEGIN, "its window is open and the environment is Ready")
    reason, until = (
        ("the environment is not Ready", end) if view.now >= window else ("its window is not open yet", window)
    )
    return ManagedStep(Do.NOTHING, reason, look_again=min(until, _next_scan(view.now)))


def is_update(minor: bool, version: Version, newest: Version) -> bool:
    """Whether `newest` is within the level: patches of the same minor version, or minor versions of the same major one."""
    same = 1 if minor else 2
    return newest > version and newest[:same] == version[:same]


def _wanted(view: ManagedView) -> Planned | None:
    """What the settings ask for now; a platform update brings fresh instances, too."""
    if view.plan is None:
        return None
    if is_update(view.plan.minor, view.version, view.newest):
        return Planned(ActionKind.PLATFORM_UPDATE, view.newest, _start_of(view))
    if view.plan.refresh:
        return Planned(ActionKind.INSTANCE_REFRESH, None, _start_of(view))
    return None


def _start_of(view: ManagedView) -> datetime:
    """The window that is open, unless it had its action; else the next one."""
    assert view.plan is not None  # noqa: S101 - the callers have looked
    last = view.plan.start.last(view.now)
    is_used = view.used is not None and view.used > last - LENGTH
    return last + _WEEK if is_used or view.now >= last + LENGTH else last


def _next_scan(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + SCAN


def _why(view: ManagedView, wanted: Planned) -> str:
    if wanted.version is None:
        return "instances are replaced each week"
    return f"{_dotted(view.version)} runs, {_dotted(wanted.version)} is the branch's newest version"


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
