"""What `ashore ecr` asks: repositories and images as people look at them, garbage collection, the check of everything."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.routes.registry_names import split_image
from api.server import Server
from emulator.ecr.fsck import Problem, check
from emulator.ecr.gc import collect
from emulator.ecr.image_views import image_view, repository_views
from emulator.ecr.repositories import find_repository
from emulator.errors import AwsError


class Collection(BaseModel):
    """Body of `POST /_ashore/ecr/gc`."""

    dry_run: bool = False


class Check(BaseModel):
    """Body of `POST /_ashore/ecr/fsck`."""

    repair: bool = False


def add_ecr_routes(routes: APIRouter, server: Server, guard: list[Any]) -> None:
    """The routes under `/_ashore/ecr`."""
    emulator = server.emulator

    @routes.get("/ecr/repositories")
    async def get_repositories(region: str | None = None, account: str | None = None) -> dict[str, Any]:
        with server.transaction(account, region) as context:
            return {"repositories": repository_views(context)}

    @routes.get("/ecr/image")
    async def get_image(image: str, region: str | None = None, account: str | None = None) -> dict[str, Any]:
        name, image_id = split_image(image)
        with server.transaction(account, region) as context:
            try:
                view = image_view(context, find_repository(context, name), image_id)
            except AwsError as error:
                raise HTTPException(404, error.message) from error
            if view is None:
                shown = f":{image_id['imageTag']}" if "imageTag" in image_id else f"@{image_id['imageDigest']}"
                raise HTTPException(404, f"no image {name}{shown}")
            return view

    @routes.post("/ecr/gc", dependencies=guard)
    async def post_gc(body: Collection) -> dict[str, Any]:
        return {"removals": [asdict(removal) for removal in collect(emulator, dry_run=body.dry_run)]}

    @routes.post("/ecr/fsck", dependencies=guard)
    async def post_fsck(body: Check) -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            async for step in check(emulator, repair=body.repair):
                kind = "problem" if isinstance(step, Problem) else "progress"
                yield orjson.dumps({"kind": kind, **asdict(step)}) + b"\n"
            yield b'{"kind":"end"}\n'

        return StreamingResponse(lines(), media_type="application/x-ndjson")
