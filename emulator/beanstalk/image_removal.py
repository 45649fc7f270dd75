"""What is built for environments goes with its server, and with a reset."""

from sqlalchemy import select

from emulator.beanstalk.built_images import prepare_anew
from emulator.beanstalk.leftovers import LOOP
from emulator.beanstalk.preparing import Preparing
from emulator.emulator import Emulator
from emulator.state.beanstalk import EnvironmentRow


async def remove_with_server(emulator: Emulator, preparing: Preparing) -> None:
    """Remove all that was built; what environments need is built again after the next start. The loops have stopped."""
    await preparing.stop()
    prepare_anew(emulator)
    await emulator.runtime.remove_images({})


async def before_reset(emulator: Emulator, preparing: Preparing) -> list[str]:
    """Give up what is being built; the ids of the environments for which something may be there."""
    await preparing.stop()
    with emulator.store.begin() as session:
        return list(session.scalars(select(EnvironmentRow.id).where(EnvironmentRow.status != "Terminated")))


def after_reset(emulator: Emulator, ids: list[str]) -> None:
    """Remove in the background what was built for these, once their containers are gone."""
    emulator.loops.wake(LOOP, *ids)
