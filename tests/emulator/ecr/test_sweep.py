"""What no row needs is cleared away."""

import asyncio
from datetime import timedelta

from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.image_deletion import batch_delete_image
from emulator.ecr.images import put_image
from emulator.ecr.repositories import create_repository, find_repository
from emulator.ecr.sweep import SweepLoop, sweep
from emulator.ecr.uploads import KEPT, begin_upload
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, CONFIG, REGION, START, add_image


def test_layers_without_an_image_go_after_a_day(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "app"})
        for layer, tag in ((b"kept", "kept"), (b"gone", "gone")):
            put_image(
                context, {"repositoryName": "app", "imageManifest": add_image(context, "app", layer), "imageTag": tag}
            )
        batch_delete_image(context, {"repositoryName": "app", "imageIds": [{"imageTag": "gone"}]})
        begin_upload(context, find_repository(context, "app"))
    blobs = blobs_of(emulator)
    sweep(emulator)
    assert len(list(blobs.stored())) == 3
    emulator.clock.rewind_to(START + KEPT + timedelta(seconds=1))
    sweep(emulator)
    assert set(blobs.stored()) == {digest_of(CONFIG), digest_of(b"kept")}
    assert list(blobs.uploading()) == []


def test_after_a_reset_no_file_is_left(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "app"})
        add_image(context, "app")
    emulator.store.clear()
    sweep(emulator)
    assert list(blobs_of(emulator).stored()) == []


def test_a_server_that_runs_for_long_sweeps_every_day(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "app"})
        begin_upload(context, find_repository(context, "app"))
    blobs = blobs_of(emulator)

    async def play() -> None:
        SweepLoop(emulator).start()
        emulator.loops.start()
        await emulator.clock.advance(KEPT - timedelta(hours=1), emulator.loops.settle)
        assert len(list(blobs.uploading())) == 1
        await emulator.clock.advance(timedelta(days=2), emulator.loops.settle)
        await emulator.loops.stop()

    asyncio.run(play())
    assert list(blobs.uploading()) == []
