"""Kills itself at each step that reaches the operating system, one after the other: `python -m tests.emulator.ecr.crashing DIR`.

A child process plays the same pushes and deletions in a folder of its own; its Nth write, link, rename, sync, removal or
commit is its last act (a write is done by half). What it leaves is opened again: it must verify, and the play must go on
to its end from there. Prints how many steps there were.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.fsck import Problem, check
from emulator.ecr.gc import collect
from emulator.ecr.image_deletion import batch_delete_image
from emulator.ecr.images import Push, store_image
from emulator.ecr.repositories import create_repository, find_repository
from emulator.ecr.uploads import begin_upload, complete_upload, find_layer
from emulator.emulator import Emulator
from emulator.state.ecr import RepositoryRow
from tests.emulator.ecr.emulators import ACCOUNT, CONFIG, REGION, ecr_emulator, image_manifest, text

_CALLS = ("writev", "link", "replace", "rename", "unlink", "truncate", "ftruncate", "fdatasync", "mkdir")
NAME = "app"


class Fuse:
    """Kills the process at the step numbered `last`."""

    def __init__(self, last: int) -> None:
        self._left = last
        for name in _CALLS:
            setattr(os, name, self._guarded(name, getattr(os, name)))

    def step(self, before_the_end: Callable[[], object] = lambda: None) -> None:
        """Count down."""
        self._left -= 1
        if not self._left:
            before_the_end()
            os.kill(os.getpid(), signal.SIGKILL)

    def _guarded(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "writev":
                self.step(lambda: real(args[0], [args[1][0][: len(args[1][0]) // 2]]))
            else:
                self.step()
            return real(*args, **kwargs)

        return call


def play(emulator: Emulator) -> None:
    """Push three images that share layers, one of them twice, and delete one; from wherever an earlier play ended."""
    with emulator.transaction(ACCOUNT, REGION) as context:
        if context.session.get(RepositoryRow, context.arn("ecr", f"repository/{NAME}")) is None:
            create_repository(context, {"repositoryName": NAME})
    for tag in ("one", "two", "one"):
        layers = [b"shared", tag.encode()]
        for content in (CONFIG, *layers):
            _push(emulator, content)
        with emulator.transaction(ACCOUNT, REGION) as context:
            content = text(image_manifest(layers)).encode()
            store_image(context, find_repository(context, NAME), Push(content, tags=[tag]))
    with emulator.transaction(ACCOUNT, REGION) as context:
        batch_delete_image(context, {"repositoryName": NAME, "imageIds": [{"imageTag": "one"}]})
    collect(emulator)


def _push(emulator: Emulator, content: bytes) -> None:
    blobs, digest = blobs_of(emulator), digest_of(content)
    with emulator.transaction(ACCOUNT, REGION) as context:
        repository = find_repository(context, NAME)
        if find_layer(context, repository, digest) is not None:
            return
        upload = begin_upload(context, repository).id
    blobs.append(upload, [content[:3]])
    blobs.append(upload, [content[3:]])
    assert blobs.digest(upload) == digest
    blobs.seal(upload)
    with emulator.transaction(ACCOUNT, REGION) as context:
        complete_upload(context, find_repository(context, NAME), upload, digest)


def verify(emulator: Emulator) -> None:
    """Nothing is wrong."""

    async def problems() -> list[Problem]:
        return [step async for step in check(emulator) if isinstance(step, Problem)]

    found = asyncio.run(problems())
    assert not found, found


def _child(folder: Path, last: int) -> None:
    fuse = Fuse(last)
    emulator = ecr_emulator(folder)
    driver: Any = emulator.store.engine.raw_connection().driver_connection
    driver.set_trace_callback(lambda statement: fuse.step() if statement == "COMMIT" else None)
    play(emulator)
    emulator.store.close()


def main(root: Path) -> int:
    """Every step once; the number of steps."""
    for last in range(1, 10_000):
        folder = root / str(last)
        folder.mkdir()
        pid = os.fork()
        if not pid:
            _child(folder, last)
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        emulator = ecr_emulator(folder)
        collect(emulator)
        verify(emulator)
        play(emulator)
        verify(emulator)
        emulator.store.close()
        if not os.WIFSIGNALED(status):
            assert status == 0, status
            return last - 1
    raise AssertionError("it never ends")


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]))}\n")
