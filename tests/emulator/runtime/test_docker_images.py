"""Names of images, and digests."""

import asyncio

import pytest

from emulator.runtime.docker_images import reference
from emulator.runtime.faults import CannotPullContainerError
from emulator.runtime.specs import RegistryCredentials
from tests.emulator.runtime.stages import docker_stage


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", ("nginx", "latest")),
        ("nginx:1.27", ("nginx", "1.27")),
        ("localhost:4566/team/app", ("localhost:4566/team/app", "latest")),
        ("localhost:4566/team/app:v1", ("localhost:4566/team/app", "v1")),
        ("localhost:4566/app@sha256:ab", ("localhost:4566/app", "sha256:ab")),
        ("localhost:4566/app:v1@sha256:ab", ("localhost:4566/app", "sha256:ab")),
    ],
)
def test_references(image: str, expected: tuple[str, str]) -> None:
    assert reference(image) == expected


@pytest.mark.docker
def test_an_image_that_is_there_is_used_unless_it_is_to_be_pulled(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            found = await stage.runtime.pull(busybox, None)
            assert found.id.startswith("sha256:")
            assert found.digest is None
            with pytest.raises(CannotPullContainerError, match="Error response from daemon: "):
                await stage.runtime.pull("localhost:1/app:v1", RegistryCredentials("AWS", "secret"), always=True)

    asyncio.run(play())
