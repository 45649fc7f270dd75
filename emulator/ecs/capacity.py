"""The loops of capacity and of what runs on each host of it, as one part of the server."""

from emulator.autoscaling.minute_loop import MinuteLoop
from emulator.ecs.capacity_loop import CapacityLoop
from emulator.ecs.daemon_loop import DaemonsLoop
from emulator.emulator import Emulator


class Capacity:
    """What starts with the server."""

    def __init__(self, emulator: Emulator) -> None:
        self._waiting = CapacityLoop(emulator)
        self._minute = MinuteLoop(emulator)
        self._daemons = DaemonsLoop(emulator)

    def start(self) -> None:
        """Carry on from the state."""
        self._waiting.start()
        self._daemons.start()
        self._minute.start()

    def reset(self) -> None:
        """Forget what is in memory."""
        self._minute.forget()
