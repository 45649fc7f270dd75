"""What was built for an environment goes once it has ended, whatever came in between."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from emulator.beanstalk.bundle_tasks import folder_of
from emulator.beanstalk.bundles.builds import labels_of
from emulator.beanstalk.leftovers import LeftoversLoop
from emulator.beanstalk.preparing import Preparing
from emulator.emulator import Emulator
from emulator.runtime.builds import BuildSpec
from emulator.runtime.scripts import Script
from emulator.runtime.simulated import SimulatedRuntime
from emulator.runtime.specs import ContainerSpec
from emulator.settings import Settings
from emulator.state.beanstalk import DeploymentRow, EnvironmentRow
from tests.emulator.beanstalk.test_managed_loop import environment
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane
from tests.emulator.runtime.stages import task

ENDED, TAG = "e-abcdefghij", "shop:1"


def place(tmp_path: Path, status: str) -> tuple[Emulator, Preparing, LeftoversLoop]:
    """A server with one environment, of which a folder is there."""
    server = control_plane()
    server.settings = Settings(state_dir=tmp_path)
    preparing = Preparing(server, lambda _id: None)
    loop = LeftoversLoop(server, preparing)
    with server.transaction(ACCOUNT, REGION) as context:
        environment(context, status, [])
    folder_of(server, ENDED).mkdir(parents=True)
    (folder_of(server, ENDED) / "Dockerfile").write_text("FROM scratch\nEXPOSE 80\n")
    return server, preparing, loop


async def built(server: Emulator) -> None:
    spec = BuildSpec(TAG, folder_of(server, ENDED), "Dockerfile", labels_of(ENDED, 1))
    await server.runtime.build(spec, {}, lambda _line: None)


async def play_on(server: Emulator, seconds: float = 0) -> None:
    await server.clock.advance(timedelta(seconds=seconds), server.loops.settle)


def test_an_image_that_a_container_still_uses_goes_when_that_is_gone_also_after_a_restart(tmp_path: Path) -> None:
    async def play() -> None:
        server, _, loop = place(tmp_path, "Terminated")
        await built(server)
        using = task()
        image = await server.runtime.pull(TAG, None)
        await server.runtime.run(using, ContainerSpec("app", TAG), image)
        server.loops.start("beanstalk-leftovers")
        loop.start()
        await play_on(server)
        assert folder_of(server, ENDED).exists()
        await play_on(server, 600)
        assert folder_of(server, ENDED).exists()
        await server.loops.stop()
        server.loops.forget()
        await server.runtime.remove(using.arn)
        server.loops.start("beanstalk-leftovers")
        loop.start()  # the folder alone tells
        await play_on(server)
        assert not folder_of(server, ENDED).exists()
        assert await server.runtime.remove_images(labels_of(ENDED))
        await server.loops.stop()

    asyncio.run(play())


def test_what_an_environment_needs_that_is_there_stays(tmp_path: Path) -> None:
    async def play() -> None:
        server, _, loop = place(tmp_path, "Ready")
        server.loops.start("beanstalk-leftovers")
        loop.start()
        await play_on(server, 60)
        assert folder_of(server, ENDED).exists()
        await server.loops.stop()

    asyncio.run(play())


def test_a_build_that_still_goes_on_is_given_up_and_does_not_begin_again(tmp_path: Path) -> None:
    async def play() -> None:
        server, preparing, loop = place(tmp_path, "Terminating")
        assert isinstance(server.runtime, SimulatedRuntime)
        server.runtime.scripts.set("*", Script(build=3600))
        with server.transaction(ACCOUNT, REGION) as context:
            row = context.session.get_one(EnvironmentRow, ENDED)
            context.session.add(deployment(row))
        preparing.look(ENDED)
        await asyncio.sleep(0)
        assert preparing.busy
        with server.transaction(ACCOUNT, REGION) as context:
            context.session.get_one(EnvironmentRow, ENDED).status = "Terminated"
        await loop.handle([ENDED])
        preparing.look(ENDED)
        assert (preparing.busy, folder_of(server, ENDED).exists()) == (False, False)

    asyncio.run(play())


def deployment(row: EnvironmentRow) -> Any:
    values: dict[str, Any] = {column.name: None for column in DeploymentRow.__table__.columns}
    given = {"environment_id": row.id, "number": 1, "status": "Preparing", "settings": [], "outcome": {}}
    return DeploymentRow(**{**values, **given, "platform_arn": row.platform_arn, "created_at": row.created_at})


def test_what_is_given_up_before_it_began_does_not_go_on_for_ever() -> None:
    async def given_up() -> bool:
        server = control_plane()
        preparing = Preparing(server, lambda _environment: None)
        preparing.tidy("e-abcdefghij")
        async with preparing.nothing_of("e-abcdefghij"):
            return preparing.busy

    assert not asyncio.run(given_up())
