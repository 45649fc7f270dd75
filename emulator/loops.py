"""Level-triggered loops: a key says "look at this again", never what to do about it.

A loop handles keys in batches, so that ten thousand tasks cost hundreds of transactions, not tens of thousands. A key woken
while it is being handled is handled again; a key that fails is tried again later, ever more slowly, and the failure is
logged and journaled.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import structlog

from emulator.clock import Clock

_LOG = structlog.get_logger()
_FIRST_RETRY = timedelta(milliseconds=250)
_LAST_RETRY = timedelta(minutes=1)
_TURNS = 4
"""Turns of the event loop between two batches: requests go between them, and the more there are, the larger is the next batch."""

Handle = Callable[[list[str]], Awaitable[None]]
OnFailure = Callable[[str, list[str], Exception], None]


class Loop:
    """One loop.

    Args:
        name: for logs.
        handle: takes up to `batch` distinct keys; raises to have them tried again.
        clock: tells when delayed keys fall due.
        on_failure: journals a failure.

    """

    def __init__(self, name: str, handle: Handle, clock: Clock, on_failure: OnFailure, batch: int = 200) -> None:
        self.name = name
        self._handle, self._clock, self._on_failure, self._batch = handle, clock, on_failure, batch
        self._due: dict[str, None] = {}
        self._later: list[tuple[datetime, str]] = []
        self._failures: dict[str, int] = {}
        self._work = asyncio.Event()
        self._busy = False

    @property
    def idle(self) -> bool:
        """Nothing is being handled and nothing is due now."""
        return not self._busy and not self._due and not (self._later and self._later[0][0] <= self._clock.now())

    def wake(self, *keys: str) -> None:
        """Have each key looked at as soon as possible. Safe to repeat: a key waits once."""
        for key in keys:
            self._due[key] = None
        self._work.set()

    def wake_at(self, key: str, when: datetime) -> None:
        """Have `key` looked at once the clock shows `when`."""
        heapq.heappush(self._later, (when, key))
        self._work.set()

    def forget(self) -> None:
        """Drop every key (after a reset)."""
        self._due.clear()
        self._later.clear()
        self._failures.clear()

    async def run(self) -> None:
        """Handle keys until cancelled."""
        while True:
            self._move_due()
            if self._due:
                await self._handle_batch()
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                continue
            self._work.clear()
            await self._wait()

    async def _wait(self) -> None:
        if not self._later:
            await self._work.wait()
            return
        timer = asyncio.ensure_future(self._clock.sleep_until(self._later[0][0]))
        work = asyncio.ensure_future(self._work.wait())
        try:
            await asyncio.wait((timer, work), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            work.cancel()

    def _move_due(self) -> None:
        now = self._clock.now()
        while self._later and self._later[0][0] <= now:
            self._due[heapq.heappop(self._later)[1]] = None

    async def _handle_batch(self) -> None:
        keys = list(self._due)[: self._batch]
        for key in keys:
            del self._due[key]
        self._busy = True
        try:
            await self._handle(keys)
        except Exception as error:  # noqa: BLE001 - the outermost loop: log, journal, try again
            _LOG.exception("loop failed", loop=self.name, keys=keys[:5])
            self._on_failure(self.name, keys, error)
            self._retry(keys)
        else:
            for key in keys:
                self._failures.pop(key, None)
        finally:
            self._busy = False

    def _retry(self, keys: Iterable[str]) -> None:
        """Later and one by one: a batch may hold one bad key, its neighbours must not suffer for long."""
        for key in keys:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            delay = min(_FIRST_RETRY * 2 ** min(failures - 1, 16), _LAST_RETRY)
            self.wake_at(key, self._clock.now() + delay)


class Loops:
    """All loops of a server."""

    def __init__(self, clock: Clock, on_failure: OnFailure) -> None:
        self._clock, self._on_failure = clock, on_failure
        self._loops: dict[str, Loop] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._busy: list[Callable[[], bool]] = []

    def busy_while(self, busy: Callable[[], bool]) -> None:
        """Have `settle` wait while `busy()` is true, too: for what a loop has begun and does not wait for."""
        self._busy.append(busy)

    def add(self, name: str, handle: Handle, batch: int = 200) -> Loop:
        """A new loop, which `start` will run."""
        loop = self._loops[name] = Loop(name, handle, self._clock, self._on_failure, batch)
        return loop

    def wake(self, name: str, *keys: str) -> None:
        """Wake keys of the loop called `name`; a name that no loop has is our bug and raises KeyError."""
        self._loops[name].wake(*keys)

    def wake_at(self, name: str, key: str, when: datetime) -> None:
        """Wake one key of the loop called `name` at an instant."""
        self._loops[name].wake_at(key, when)

    def start(self, *names: str) -> None:
        """Run the loops called so (all where none is named) in the background."""
        chosen = names or tuple(self._loops)
        self._tasks = [asyncio.create_task(self._loops[name].run(), name=name) for name in chosen]

    async def stop(self) -> None:
        """Stop every loop. What was wanted stays wanted: the next start carries on from the state."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def forget(self) -> None:
        """Drop every key of every loop (after a reset)."""
        for loop in self._loops.values():
            loop.forget()

    async def settle(self) -> None:
        """Return when no loop has anything due.

        What waits for the clock does not count; what waits for a real engine is not seen here. A change goes from a
        runtime's callback to a loop within a few turns of the event loop, hence the run of quiet turns.
        """
        quiet = 0
        while quiet < 25:
            await asyncio.sleep(0)
            rests = all(loop.idle for loop in self._loops.values()) and not any(busy() for busy in self._busy)
            quiet = quiet + 1 if rests else 0
