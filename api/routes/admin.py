"""The administrative API under `/_ashore`: what the `ashore` command, consoles and test suites use beside AWS's own APIs.

Calls that change something need the header `X-Ashore: 1`, which no web page can send from another origin.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from pydantic import BaseModel, Field

from api.admin_views import counts, host_view, journal_page, regions, settings_view
from api.coverage import coverage
from api.explain import explain
from api.routes.admin_balancers import add_balancer_routes
from api.routes.admin_ecr import add_ecr_routes
from api.routes.health import health
from api.routes.scripts import add_script_routes
from api.routes.spot import add_spot_routes
from api.server import Server
from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.container_instances import (
    container_instances_of,
    deregister_host,
    drain_host,
    find_container_instance,
)
from emulator.ecs.hosts import add_hosts
from emulator.errors import AwsError
from emulator.state.ecs import ContainerInstanceRow
from emulator.state.journal import DecisionRow

P = ParamSpec("P")
T = TypeVar("T")


class Place(BaseModel):
    """Where to act."""

    cluster: str = "default"
    region: str | None = None
    account: str | None = None


class NewHosts(Place):
    """Body of `POST /_ashore/hosts`."""

    type: str = "t3.large"
    zones: list[str] = Field(default_factory=list)
    count: Annotated[int, Field(ge=1, le=5000)] = 1
    attributes: dict[str, str] = Field(default_factory=dict)


class HostNames(Place):
    """Body of `POST /_ashore/hosts/drain` and `/remove`."""

    hosts: list[str]


class ClockChange(BaseModel):
    """Body of `POST /_ashore/clock`: a new rate, or seconds to advance by."""

    rate: Annotated[float, Field(ge=0, le=100_000)] | None = None
    advance: Annotated[float, Field(ge=0)] | None = None


class Shutdown(BaseModel):
    """Body of `POST /_ashore/shutdown`."""

    keep: bool = False
    grace: Annotated[float, Field(ge=0, le=3600)] = 10
    """Seconds after which containers that do not end by themselves are killed."""


async def _from_our_side(x_ashore: Annotated[str | None, Header()] = None) -> None:
    if x_ashore is None:
        raise HTTPException(403, "calls that change something need the header X-Ashore: 1")


def router(server: Server) -> APIRouter:
    """All routes of the administrative API of `server`."""
    routes = APIRouter(prefix="/_ashore")
    guard = [Depends(_from_our_side)]
    _add_state_routes(routes, server, guard)
    _add_host_routes(routes, server, guard)
    add_script_routes(routes, server, guard)
    add_spot_routes(routes, server, guard)
    _add_reading_routes(routes, server)
    add_balancer_routes(routes, server, guard)
    add_ecr_routes(routes, server, guard)
    return routes


def _add_state_routes(routes: APIRouter, server: Server, guard: list[Any]) -> None:
    emulator = server.emulator

    @routes.get("/status")
    async def get_status() -> dict[str, Any]:
        with emulator.store.begin() as session:
            return {
                **health(emulator, server.runtime_reason),
                "clock": {"now": emulator.clock.now().isoformat(), "rate": emulator.clock.rate},
                "counts": counts(session),
                "regions": regions(session),
                "settings": settings_view(emulator.settings),
            }

    @routes.post("/reset")
    async def post_reset() -> dict[str, float]:
        began = time.perf_counter()
        await server.reset()
        return {"milliseconds": (time.perf_counter() - began) * 1000}

    @routes.post("/clock", dependencies=guard)
    async def post_clock(change: ClockChange) -> dict[str, Any]:
        if change.rate is not None:
            emulator.clock.set_rate(change.rate)
        if change.advance is not None:
            await emulator.clock.advance(timedelta(seconds=change.advance), emulator.loops.settle)
        server.remember_clock()
        return {"now": emulator.clock.now().isoformat(), "rate": emulator.clock.rate}

    @routes.post("/shutdown", dependencies=guard)
    async def post_shutdown(body: Shutdown) -> dict[str, bool]:
        asyncio.get_running_loop().call_later(0.05, lambda: server.shut_down(keep=body.keep, grace=body.grace))
        return {"stopping": True}


def _add_host_routes(routes: APIRouter, server: Server, guard: list[Any]) -> None:
    @routes.get("/hosts")
    async def get_hosts(
        cluster: str = "default", region: str | None = None, account: str | None = None
    ) -> dict[str, Any]:
        with server.transaction(account, region) as context:
            found = _or_404(find_cluster, context, cluster)
            return {"hosts": [host_view(context, row) for row in container_instances_of(context, found)]}

    @routes.post("/hosts", dependencies=guard)
    async def post_hosts(body: NewHosts) -> dict[str, Any]:
        with server.transaction(body.account, body.region) as context:
            rows = _or_404(add_hosts, context, body.cluster, body.type, body.zones, body.count, body.attributes)
            context.session.flush()
        with server.transaction(body.account, body.region) as context:
            return {"hosts": [host_view(context, row) for row in rows]}

    @routes.post("/hosts/drain", dependencies=guard)
    async def post_drain(body: HostNames) -> dict[str, int]:
        return _each_host(server, body, drain_host)

    @routes.post("/hosts/remove", dependencies=guard)
    async def post_remove(body: HostNames) -> dict[str, int]:
        return _each_host(server, body, _terminate)


def _terminate(context: Context, row: ContainerInstanceRow) -> None:
    deregister_host(context, row, f"Host EC2 (instance {row.ec2_instance_id}) terminated.", "TerminationNotice")


def _each_host(
    server: Server, body: HostNames, change: Callable[[Context, ContainerInstanceRow], object]
) -> dict[str, int]:
    with server.transaction(body.account, body.region) as context:
        cluster = _or_404(find_cluster, context, body.cluster)
        for name in body.hosts:
            row = find_container_instance(context, cluster, name)
            if row is None:
                raise HTTPException(404, f"no host {name} in cluster {body.cluster}")
            change(context, row)
    return {"changed": len(body.hosts)}


def _add_reading_routes(routes: APIRouter, server: Server) -> None:
    emulator = server.emulator

    @routes.get("/coverage")
    async def get_coverage(service: str | None = None) -> dict[str, Any]:
        document = coverage()
        if service is not None and service not in document:
            raise HTTPException(404, f"no service {service}; there are {', '.join(document)}")
        return document if service is None else {service: document[service]}

    @routes.get("/journal")
    async def get_journal(
        after: int | None = None,
        kind: Annotated[list[str] | None, Query()] = None,
        subject: str | None = None,
        limit: int = 100,
        wait: float = 0,
    ) -> dict[str, Any]:
        wanted = {"kind": kind, "subject": None if subject is None else [subject]}
        return await journal_page(emulator, after, wanted, min(limit, 1000), min(wait, 30))

    @routes.get("/decisions/{decision_id}")
    async def get_decision(decision_id: str) -> dict[str, Any]:
        with emulator.store.begin() as session:
            row = session.get(DecisionRow, decision_id)
            if row is None:
                raise HTTPException(404, f"no decision {decision_id}")
            return {"id": row.id, "at": row.at.isoformat(), "subject": row.subject, "decision": row.body}

    @routes.get("/explain")
    async def get_explain(
        target: str, cluster: str = "default", region: str | None = None, account: str | None = None
    ) -> dict[str, Any]:
        arn = parse_arn(target)
        if arn is not None:
            account, region = account or arn.account, region or arn.region
        with server.transaction(account, region) as context:
            found = explain(context, target, cluster)
            if found is None:
                raise HTTPException(
                    404,
                    f"no task, service, daemon or family {target} in cluster {cluster}, and no environment of this name",
                )
            return found


def _or_404(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except AwsError as error:
        raise HTTPException(404, f"{error.code}: {error.message}") from error
