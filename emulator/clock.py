"""The one clock: every timer, expiry and timestamp reads it.

It runs in real time, N times as fast, or stands still until it is advanced. Advancing visits every timer that falls due
on the way, in order, and lets what it woke come to rest before time moves on: ten minutes of a deployment are the same
sequence of events whether they are waited for or skipped.

Only this module reads the operating system's time.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Virtual time.

    Args:
        rate: seconds of virtual time for each real second; 0 stands still.
        start: the first instant; the operating system's time where None.

    """

    def __init__(self, rate: float = 1.0, start: datetime | None = None) -> None:
        self._rate = rate
        self._real_base = time.monotonic()
        self._base = start or _EPOCH + timedelta(seconds=time.time())
        self._timers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._sleeping: set[asyncio.Task[None] | None] = set()
        self._handle: asyncio.TimerHandle | None = None

    @property
    def rate(self) -> float:
        """Virtual seconds for each real second; 0 while paused."""
        return self._rate

    def now(self) -> datetime:
        """The present instant, in UTC."""
        if not self._rate:
            return self._base
        return self._base + timedelta(seconds=(time.monotonic() - self._real_base) * self._rate)

    def offset(self) -> timedelta:
        """How far virtual time is ahead of the operating system's."""
        return self.now() - (_EPOCH + timedelta(seconds=time.time()))

    def set_rate(self, rate: float) -> None:
        """Run `rate` times as fast from this instant on; 0 pauses."""
        self._set(self.now(), rate)

    def rewind_to(self, start: datetime) -> None:
        """Begin anew at `start` (used by reset only: timers that wait are due at their old instants)."""
        self._set(start, self._rate)

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` of virtual time have passed."""
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, deadline: datetime) -> None:
        """Return once the clock shows `deadline` or later."""
        if deadline <= self.now():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._timers, (deadline, next(self._order), future))
        self._arm()
        task = asyncio.current_task()
        self._sleeping.add(task)
        try:
            await future
        finally:
            self._sleeping.discard(task)

    def has_asleep(self, task: asyncio.Task[None]) -> bool:
        """Whether a task waits for this clock: by itself, not by a task that it waits for."""
        return task in self._sleeping

    async def advance(self, delta: timedelta, settle: Callable[[], Awaitable[None]]) -> None:
        """Move on by `delta`, stopping at every timer on the way until `settle` says that all has come to rest."""
        now, rate = self.now(), self._rate
        target = now + delta
        self._set(now, 0.0)  # from here on: what settles must not see the instant at which the rate was last set
        await settle()
        while (due := self._next_deadline()) is not None and due <= target:
            self._set(max(due, self._base), 0.0)
            self._fire()
            await settle()
        self._set(target, rate)

    def _set(self, now: datetime, rate: float) -> None:
        self._base, self._real_base, self._rate = now, time.monotonic(), rate
        self._arm()

    def _next_deadline(self) -> datetime | None:
        while self._timers and self._timers[0][2].done():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def _arm(self) -> None:
        """Ask the event loop for a call at the next deadline; none where time stands still."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        deadline = self._next_deadline()
        if deadline is None or not self._rate:
            return
        wait = max(0.0, (deadline - self.now()).total_seconds() / self._rate)
        self._handle = asyncio.get_running_loop().call_later(wait, self._fire)

    def _fire(self) -> None:
        """Wake every sleeper whose deadline has come."""
        now = self.now()
        while (deadline := self._next_deadline()) is not None and deadline <= now:
            heapq.heappop(self._timers)[2].set_result(None)
        self._arm()


def parse_clock(text: str) -> float:
    """The rate that a `--clock` value asks for: `real`, `paused` or `xN`.

    Raises:
        ValueError: `text` is none of these.

    """
    if text in {"real", "paused"}:
        return float(text == "real")
    rate = float(text[1:]) if text[:1] == "x" and text[1:].replace(".", "", 1).isdigit() else 0.0
    if not rate:
        raise ValueError(f"a clock is `real`, `paused` or `xN` such as `x60`, not {text!r}")
    return rate
