"""Time never goes back, also while it is advanced."""

import asyncio
from datetime import UTC, datetime, timedelta

from emulator.clock import Clock


def test_a_clock_that_runs_does_not_go_back_when_it_is_advanced() -> None:
    async def told() -> None:
        clock = Clock(rate=1e6, start=datetime(2026, 1, 1, tzinfo=UTC))
        await asyncio.sleep(0)
        before = clock.now()
        seen = []

        async def settle() -> None:
            seen.append(clock.now())

        await clock.advance(timedelta(seconds=10), settle)
        assert all(instant >= before for instant in seen)
        assert clock.now() >= before + timedelta(seconds=10)

    asyncio.run(told())
