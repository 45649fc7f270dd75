"""What was unpacked and built for an environment goes once it has ended: the loop `beanstalk-leftovers` (key: environment id).

The environment's folder says that something is left, so that a server that was killed, or an engine that would not remove an
image yet, loses nothing: the folder goes last. One environment after the other: an engine that removes images which share
their lower layers fails when it is asked for both at once.
"""

import asyncio
import shutil
from datetime import timedelta

from emulator.beanstalk.bundle_tasks import folder_of, folders
from emulator.beanstalk.bundles.builds import labels_of
from emulator.beanstalk.preparing import Preparing
from emulator.emulator import Emulator
from emulator.state.beanstalk import EnvironmentRow

LOOP = "beanstalk-leftovers"
_LOOK_AGAIN = timedelta(seconds=5)
"""An image stays as long as a container uses it; nothing tells when the engine has let go of that."""


class LeftoversLoop:
    """Removes what is left of environments that have ended.

    Args:
        emulator: the server.
        preparing: prepares deployments; what it still builds for them is given up.

    """

    def __init__(self, emulator: Emulator, preparing: Preparing) -> None:
        self._emulator, self._preparing = emulator, preparing
        emulator.loops.add(LOOP, self.handle, batch=1)

    def start(self) -> None:
        """Look at every folder that is there."""
        self._emulator.loops.wake(LOOP, *folders(self._emulator))

    async def handle(self, keys: list[str]) -> None:
        """Remove what is left, or look again later."""
        for key in keys:
            if self._ended(key):
                async with self._preparing.nothing_of(key):
                    await self._remove(key)

    def _ended(self, key: str) -> bool:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key)
            return row is None or row.status == "Terminated"

    async def _remove(self, key: str) -> None:
        if await self._emulator.runtime.remove_images(labels_of(key)):
            await asyncio.to_thread(shutil.rmtree, folder_of(self._emulator, key), ignore_errors=True)
        else:
            self._emulator.loops.wake_at(LOOP, key, self._emulator.clock.now() + _LOOK_AGAIN)
