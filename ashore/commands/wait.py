"""`ashore wait`: for the server, for one of its services, or until an ECS service is steady."""

import os
import time
from typing import Annotated, Any

import typer

from ashore import server
from ashore.client import Client
from ashore.commands.app import AccountOption, RegionOption, app
from ashore.errors import not_steady, refused
from ashore.output import OUT, progress

_ECS = "AmazonEC2ContainerServiceV20141113"
_CHANGES = ["state_change", "event", "decision", "fault"]
_LOOK_ANYWAY = 5.0
"""Seconds after which a service is looked at again though nothing was told of."""


@app.command()
def wait(
    *,
    timeout: Annotated[float, typer.Option(envvar="ASHORE_TIMEOUT", min=0, help="seconds")] = 30,
    service: Annotated[str | None, typer.Option(help="ecs, ecr, eks or elasticbeanstalk must be there, too")] = None,
    steady: Annotated[str | None, typer.Option(help="CLUSTER/SERVICE, or SERVICE of the cluster default")] = None,
    region: RegionOption = None,
    account: AccountOption = None,
) -> None:
    """Wait until the emulator answers; with --steady until all tasks of an ECS service run and its deployment is over."""
    client = Client.from_environment()
    deadline = time.monotonic() + timeout
    server.wait_ready(client, timeout)
    if service is not None:
        client.get("coverage", service=service)  # refuses a service that is not there
    if steady is not None:
        cluster, _, name = steady.rpartition("/")
        scope = f"{account or 'test'}/20000101/{region or os.environ.get('AWS_REGION', 'us-east-1')}"
        with progress(f"waiting for {steady} to be steady…"):
            _until_steady(client, (cluster or "default", name), scope, deadline)
        OUT.print(f"✓ {steady} is steady", markup=False)


def _until_steady(client: Client, named: tuple[str, str], scope: str, deadline: float) -> None:
    cluster, name = named
    while True:
        newest = client.get("journal", limit=1)["entries"]
        answer = client.call(f"{_ECS}.DescribeServices", {"cluster": cluster, "services": [name]}, scope)
        for failure in answer["failures"]:
            raise refused(404, f"service {name} in cluster {cluster}: {failure['reason']}")
        (found,) = answer["services"]
        if is_steady(found):
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise not_steady(name, cluster, describe_unsteady(found))
        after = newest[0]["seq"] if newest else 0
        client.get("journal", after=after, kind=_CHANGES, limit=1, wait=f"{min(left, _LOOK_ANYWAY):.3f}")


def is_steady(service: dict[str, Any]) -> bool:
    """Whether one deployment is left, it is over, and the wanted tasks run: what `aws ecs wait services-stable` asks for."""
    deployments = service["deployments"]
    return (
        len(deployments) <= 1
        and all(deployment.get("rolloutState", "COMPLETED") == "COMPLETED" for deployment in deployments)
        and service["runningCount"] == service["desiredCount"]
    )


def describe_unsteady(service: dict[str, Any]) -> str:
    """How far it is, and the newest that it told of."""
    told = [event["message"] for event in service.get("events", [])[:1]]
    return "; ".join([f"{service['runningCount']} of {service['desiredCount']} tasks run", *told])
