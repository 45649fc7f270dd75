"""`/_ashore/spot/interrupt`: take FARGATE_SPOT tasks away, as AWS does when it needs the capacity."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from fastapi.params import Depends
from pydantic import BaseModel, ConfigDict, Field

from api.server import Server
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import ClusterNotFoundException
from emulator.ecs.spot import interrupt
from emulator.ecs.tasks import task_arn_of


class Interruption(BaseModel):
    """Body of `POST /_ashore/spot/interrupt`."""

    model_config = ConfigDict(extra="forbid")

    cluster: str = "default"
    tasks: list[str] = []
    """Ids or ARNs; where none is named the oldest are taken."""
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    region: str | None = None
    account: str | None = None


def add_spot_routes(routes: APIRouter, server: Server, guard: list[Depends]) -> None:
    """Add the route."""

    @routes.post("/spot/interrupt", dependencies=guard)
    async def post_interrupt(body: Interruption) -> dict[str, Any]:
        with server.transaction(body.account, body.region) as context:
            try:
                cluster = find_cluster(context, body.cluster)
            except ClusterNotFoundException as error:
                raise HTTPException(404, f"no cluster {body.cluster}") from error
            arns = [task_arn_of(context, cluster, name) for name in body.tasks]
            found = interrupt(context, cluster, arns, body.count)
        if not found:
            raise HTTPException(404, f"no task of FARGATE_SPOT that could be interrupted in cluster {body.cluster}")
        return {"interrupted": found}
