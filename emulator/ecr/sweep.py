"""When garbage is collected: at the start of the server, after a reset, and once a day of the clock."""

from datetime import timedelta
from typing import TYPE_CHECKING

from emulator.ecr.gc import collect

if TYPE_CHECKING:
    from emulator.emulator import Emulator

LOOP = "registry-sweep"
_EVERY = timedelta(days=1)
_KEY = "sweep"


def sweep(emulator: "Emulator") -> None:
    """Collect now."""
    collect(emulator)


class SweepLoop:
    """Collects once a day of the clock, so that abandoned uploads expire on a server that runs for long."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        emulator.loops.add(LOOP, self._handle)

    def start(self) -> None:
        """Collect, and from now on every day."""
        collect(self._emulator)
        self._later()

    async def _handle(self, _keys: list[str]) -> None:
        collect(self._emulator)
        self._later()

    def _later(self) -> None:
        self._emulator.loops.wake_at(LOOP, _KEY, self._emulator.clock.now() + _EVERY)
