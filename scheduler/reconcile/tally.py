"""How the tasks of one service stand, counted as they change: a service of thousands is asked for counts at every change."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is counted of a task that is not STOPPED."""

    deployment: str | None
    status: str
    wanted: bool
    """Its desired status is RUNNING."""
    health: str
    """What the checks of its containers say: HEALTHY, UNHEALTHY or UNKNOWN."""
    protected: bool
    """It was protected from scale-in, if only until an instant that has passed."""
    zone: str = ""

    def plain(self, *, protected: bool) -> bool:
        """Nothing has to be done about it as long as it is of the newest deployment."""
        return self.wanted and self.health != "UNHEALTHY" and (protected or not self.protected)


class Tally:
    """Counts of tasks by standing and by host; `put` costs the same for any number of tasks."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[Standing, str | None]] = {}
        self.standings: Counter[Standing] = Counter()
        self.hosts: Counter[str] = Counter()

    def put(self, task: str, standing: Standing, host: str | None) -> None:
        """Count a task as it stands now."""
        now = (standing, host)
        if self._tasks.get(task) == now:
            return
        self.drop(task)
        self._tasks[task] = now
        self.standings[standing] += 1
        if host is not None:
            self.hosts[host] += 1

    def drop(self, task: str) -> None:
        """Count a task no more; nothing happens where it is not counted."""
        before = self._tasks.pop(task, None)
        if before is None:
            return
        standing, host = before
        _take(self.standings, standing)
        if host is not None:
            _take(self.hosts, host)

    @property
    def total(self) -> int:
        """All tasks."""
        return len(self._tasks)

    def plain(self, draining: Iterable[str], deployment: str | None = None, *, protected: bool = False) -> bool:
        """Whether nothing has to be done about any task: all are wanted and well, on hosts that stay.

        Args:
            draining: hosts that are left.
            deployment: all must be of this one, if it is named.
            protected: protected tasks may be among them.

        """
        return not any(host in self.hosts for host in draining) and all(
            standing.plain(protected=protected) and deployment in {None, standing.deployment}
            for standing in self.standings
        )

    def well(self, *, checked: bool) -> bool:
        """Whether all tasks run; where their containers have checks, all of these must say so."""
        return all(
            standing.status == "RUNNING" and (not checked or standing.health == "HEALTHY")
            for standing in self.standings
        )

    def zones(self) -> Mapping[str, int]:
        """Zone → tasks that are wanted."""
        found: Counter[str] = Counter()
        for standing, count in self.standings.items():
            if standing.wanted:
                found[standing.zone] += count
        return found

    def statuses(self) -> Mapping[str, int]:
        """Status → tasks."""
        found: Counter[str] = Counter()
        for standing, count in self.standings.items():
            found[standing.status] += count
        return found


def _take(counter: Counter[T], key: T) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
