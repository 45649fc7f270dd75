"""`/_ashore/balancers`: where load balancers answer, what of them is not carried out, and what simulated targets answer."""

from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.params import Depends
from pydantic import BaseModel, ConfigDict

from api.server import Server
from emulator.balancer.model import LoadBalancer
from emulator.balancer.ports import TargetKey
from emulator.balancer.scripted_health import outcome_of, word_of
from emulator.context import Context


class TargetAnswer(BaseModel):
    """Body of `POST /_ashore/balancers/health`."""

    model_config = ConfigDict(extra="forbid")

    target_group: str
    """Name or ARN."""
    target: str | None = None
    """`ID:PORT`; every simulated target of the group where None."""
    answers: str = "ok"
    """To health checks: `ok`, a status code, `timeout` or `refused`."""
    region: str | None = None
    account: str | None = None


def add_balancer_routes(routes: APIRouter, server: Server, guard: list[Depends]) -> None:
    """Add the routes."""

    @routes.get("/balancers/health")
    async def get_health() -> dict[str, Any]:
        return _scripts(server)

    @routes.post("/balancers/health", dependencies=guard)
    async def post_health(body: TargetAnswer) -> dict[str, Any]:
        """Real targets answer for themselves: a script of theirs would never be asked, so it is refused."""
        try:
            outcome = None if body.answers == "ok" else outcome_of(body.answers)
        except ValueError as error:
            detail = f"{body.answers} is no answer: ok, a status code, timeout or refused"
            raise HTTPException(422, detail) from error
        with server.transaction(body.account, body.region) as context:
            arn = _group_arn(server, context, body.target_group)
            key = None if body.target is None else _target(server, context, arn, body.target)
            server.balancers.script_health(context, arn, key, outcome)
        return _scripts(server)

    @routes.get("/balancers")
    async def get_balancers(region: str | None = None, account: str | None = None) -> dict[str, Any]:
        """Those of every account and region, or of those that are named."""
        found = [
            _view(server, balancer)
            for (account_id, place), scene in sorted(server.balancers.proxy.scenes.items())
            if account in {None, account_id} and region in {None, place}
            for balancer in scene.balancers
        ]
        return {"balancers": found}


def _scripts(server: Server) -> dict[str, Any]:
    found = server.balancers.checker.scripts.items()
    return {
        "scripts": [
            {
                "targetGroup": arn,
                "target": None if key is None else f"{key.id}:{key.port}",
                "answers": word_of(outcome),
            }
            for (arn, key), outcome in found
        ]
    }


def _group_arn(server: Server, context: Context, name: str) -> str:
    scene = server.balancers.proxy.scenes.get((context.account, context.region))
    groups = scene.groups.values() if scene is not None else ()
    found = [group.arn for group in groups if name in {group.arn, group.name}]
    if not found:
        there = ", ".join(group.name for group in groups) or "none"
        raise HTTPException(404, f"no target group {name}; there are: {there}")
    return found[0]


def _target(server: Server, context: Context, arn: str, name: str) -> TargetKey:
    there = server.balancers.simulated_targets(context, arn)
    for key in there:
        if f"{key.id}:{key.port}" == name:
            return key
    names = ", ".join(f"{key.id}:{key.port}" for key in there) or "none"
    raise HTTPException(404, f"no simulated target {name}; there are: {names}")


def _view(server: Server, balancer: LoadBalancer) -> dict[str, Any]:
    proxy = server.balancers.proxy
    listeners = [
        {
            "arn": listener.arn,
            "protocol": listener.protocol,
            "port": listener.port,
            "answersOnPort": proxy.port_of(listener.arn),
            "rules": len(listener.rules),
            "leftOut": [
                {"rule": rule.arn, "priority": rule.priority or "default", "reason": proxy.faults[rule.arn]}
                for rule in listener.rules
                if rule.arn in proxy.faults
            ],
        }
        for listener in balancer.listeners
    ]
    return {"name": balancer.name, "arn": balancer.arn, "dnsName": balancer.dns_name, "listeners": listeners}
