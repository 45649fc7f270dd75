"""A server of which only ECR is asked, with its loops at work, on a clock that moves when told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from emulator.ecr.background import Background
from emulator.ecr.images import Push, store_image
from emulator.ecr.operations import OPERATIONS
from emulator.ecr.repositories import find_repository
from emulator.emulator import Emulator
from emulator.neighbours.ports import Neighbours
from tests.emulator.ecr.emulators import ACCOUNT, REGION, Told, add_image, ecr_emulator

NAME = "team/app"


@dataclass(slots=True)
class Stage:
    """A server with the repository `team/app`."""

    emulator: Emulator

    async def settle(self) -> None:
        """Let everything that is due now happen."""
        await self.emulator.loops.settle()

    async def advance(self, **duration: float) -> None:
        """Let time pass, such as `days=15`."""
        await self.emulator.clock.advance(timedelta(**duration), self.settle)

    def do(self, operation: str, account: str = ACCOUNT, region: str = REGION, **request: Any) -> Any:
        """Call an operation in a transaction of its own, on behalf of `account`."""
        with self.emulator.transaction(account, region) as context:
            return OPERATIONS[operation](context, request)

    def push(self, *tags: str, layer: bytes | None = None, name: str = NAME) -> str:
        """Push an image of its own (or with `layer`); its digest."""
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            content = layer if layer is not None else self.emulator.ids.hex32().encode()
            manifest = add_image(context, name, content)
            return store_image(context, find_repository(context, name), Push(manifest.encode(), tags=tags)).digest

    def tags(self, name: str = NAME, **where: str) -> list[str]:
        """The tags that are left; `<untagged>` for each image without one."""
        ids = self.do("ListImages", repositoryName=name, **where)["imageIds"]
        return sorted(item.get("imageTag", "<untagged>") for item in ids)

    def told(self, detail_type: str) -> list[dict[str, Any]]:
        """The details of the events that EventBridge has taken, in order."""
        neighbours: Any = self.emulator.neighbours
        return [dict(event.detail) for event in neighbours.events if event.detail_type == detail_type]


@asynccontextmanager
async def ecr_stage(folder: Path, neighbours: Neighbours | None = None) -> AsyncIterator[Stage]:
    """The server, for as long as the block runs."""
    emulator = ecr_emulator(folder, neighbours=neighbours)
    stage = Stage(emulator)
    stage.do("CreateRepository", repositoryName=NAME)
    emulator.loops.start()
    try:
        yield stage
    finally:
        await emulator.loops.stop()
        emulator.store.close()


__all__ = ["ACCOUNT", "NAME", "REGION", "Background", "Stage", "Told", "ecr_stage"]
