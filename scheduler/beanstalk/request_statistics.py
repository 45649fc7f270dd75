"""Requests of the last ten seconds: how many of each status class, and how long they took, in memory that does not grow.

Latencies are counted in a histogram whose bounds grow by two percent each, from a millisecond on; a quantile is off by no more
than that. Seconds are kept apart, so that old ones fall away.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

WINDOW = 10
"""Seconds; ApplicationMetrics.Duration."""
QUANTILES = {"P10": 10.0, "P50": 50.0, "P75": 75.0, "P85": 85.0, "P90": 90.0, "P95": 95.0, "P99": 99.0, "P999": 99.9}
_GROWTH = math.log(1.02)
_SLOWEST = 1200
"""Of the histogram's steps; beyond half a year."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What was served."""

    classes: Mapping[int, int] = field(default_factory=dict)
    """2 to 5 → requests."""
    latencies: Mapping[int, int] = field(default_factory=dict)
    """Step of the histogram → requests."""

    @property
    def count(self) -> int:
        return sum(self.classes.values())

    def share(self, status_class: int) -> float:
        """Percent of the requests; 0 when there are none."""
        return 100.0 * self.classes.get(status_class, 0) / self.count if self.count else 0.0

    def quantiles(self) -> dict[str, float]:
        """P10 … P999 in seconds, to the millisecond; empty without requests."""
        total = sum(self.latencies.values())
        if not total:
            return {}
        steps, seen, found = sorted(self.latencies), 0, {}
        wanted = sorted(QUANTILES.items(), key=lambda item: item[1])
        for step in steps:
            seen += self.latencies[step]
            while wanted and seen * 100 >= total * wanted[0][1] - 1e-9:
                found[wanted.pop(0)[0]] = round(math.exp(step * _GROWTH) / 1000, 3)
        return found


def together(parts: Iterable[Requests]) -> Requests:
    """Of several instances."""
    classes: Counter[int] = Counter()
    latencies: Counter[int] = Counter()
    for part in parts:
        classes.update(part.classes)
        latencies.update(part.latencies)
    return Requests(dict(classes), dict(latencies))


def latency_step(seconds: float) -> int:
    """The histogram's step that a latency is counted in."""
    return min(_SLOWEST, round(math.log(max(1.0, seconds * 1000)) / _GROWTH))


def status_class(status: int) -> int:
    """2 to 5."""
    return min(5, max(2, status // 100))


def served(status: int, seconds: float) -> Requests:
    """One request."""
    return Requests({status_class(status): 1}, {latency_step(seconds): 1})


def since(now: Requests, before: Requests) -> Requests:
    """What was counted between two looks at counters that only grow."""
    return Requests(_more(now.classes, before.classes), _more(now.latencies, before.latencies))


def _more(now: Mapping[int, int], before: Mapping[int, int]) -> dict[int, int]:
    return {key: more for key, count in now.items() if (more := count - before.get(key, 0)) > 0}


@dataclass(slots=True)
class RequestWindow:
    """The requests of the last ten seconds of one instance."""

    _seconds: dict[int, Requests] = field(default_factory=dict)

    def add(self, at: datetime, status: int, seconds: float) -> None:
        """A request that ended at `at` with an HTTP status after `seconds`."""
        second = int(at.timestamp())
        self._forget(second)
        self._seconds[second] = together([self._seconds.get(second, Requests()), served(status, seconds)])

    def requests(self, now: datetime) -> Requests:
        """Those that ended after `now` - 10 seconds, by whole seconds."""
        second = int(now.timestamp())
        self._forget(second)
        return together(part for at, part in self._seconds.items() if at <= second)

    def _forget(self, second: int) -> None:
        for old in [at for at in self._seconds if at <= second - WINDOW]:
            del self._seconds[old]
