"""What the container services measure, by the minute: rows, and the same in memory for those who ask in another thread.

The neighbour's CloudWatch reads it when it is asked (`emulator.neighbours.cloudwatch`); nothing is copied there.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.state.appending import append
from emulator.state.capacity import MetricPointRow

_KEPT = timedelta(hours=3)
"""How long points are kept; CloudWatch keeps minutes for 15 days."""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric with its dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    """In the order of their names."""
    unit: str = "Percent"


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one minute."""

    series: Series
    at: datetime
    """When the minute began."""
    value: float


def series(namespace: str, name: str, dimensions: Mapping[str, str], unit: str = "Percent") -> Series:
    """A series by its dimensions."""
    return Series(namespace, name, tuple(sorted(dimensions.items())), unit)


_Place = defaultdict[Series, deque[tuple[datetime, float]]]


class Metrics:
    """All points of the last hours."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: defaultdict[tuple[str, str], _Place] = defaultdict(lambda: defaultdict(deque))

    def load(self, session: Session) -> None:
        """Take up what the rows keep."""
        self.clear()
        for row in session.scalars(select(MetricPointRow).order_by(MetricPointRow.at)):
            found = series(row.namespace, row.name, row.dimensions, row.unit)
            self._points[row.account, row.region][found].append((row.at, row.value))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._points.clear()

    def publish(self, context: Context, points: Sequence[Point]) -> None:
        """Add points; older ones of the same minutes stay beside them."""
        for point in points:
            row = {
                "account": context.account,
                "region": context.region,
                "namespace": point.series.namespace,
                "name": point.series.name,
                "dimensions": dict(point.series.dimensions),
                "at": point.at,
                "value": point.value,
                "unit": point.series.unit,
            }
            append(context.session, MetricPointRow, row)
        context.after_commit(lambda: self._add(context.account, context.region, points))

    def _add(self, account: str, region: str, points: Sequence[Point]) -> None:
        with self._lock:
            for point in points:
                self._points[account, region][point.series].append((point.at, point.value))

    def prune(self, session: Session, now: datetime) -> None:
        """Drop what is too old."""
        session.execute(delete(MetricPointRow).where(MetricPointRow.at < now - _KEPT))
        with self._lock:
            for place in self._points.values():
                for found in list(place):
                    kept = place[found]
                    while kept and kept[0][0] < now - _KEPT:
                        kept.popleft()
                    if not kept:
                        del place[found]

    def points(self, account: str, region: str) -> list[Point]:
        """Every point; from any thread."""
        with self._lock:
            place: Mapping[Series, deque[tuple[datetime, float]]] = self._points.get((account, region), {})
            return [Point(found, at, value) for found, kept in place.items() for at, value in kept]

    def values(
        self, account: str, region: str, namespace: str, name: str, dimensions: Mapping[str, str]
    ) -> list[tuple[datetime, float]]:
        """The points of one metric, whatever its unit, oldest first; from any thread."""
        wanted = tuple(sorted(dimensions.items()))
        with self._lock:
            place: Mapping[Series, deque[tuple[datetime, float]]] = self._points.get((account, region), {})
            found = [
                kept
                for one, kept in place.items()
                if (one.namespace, one.name, one.dimensions) == (namespace, name, wanted)
            ]
            return sorted(point for kept in found for point in kept)
