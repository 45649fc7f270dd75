"""Empties the server: afterwards it answers as a new one does."""

from emulator.emulator import Emulator


def reset(emulator: Emulator) -> None:
    """Forget every resource of every account. The runtime's containers become orphans, which the task agent removes."""
    emulator.loops.forget()
    emulator.journal.forget()
    emulator.store.clear()
    emulator.fleets.forget()
    emulator.tallies.forget()
    emulator.metrics.clear()
