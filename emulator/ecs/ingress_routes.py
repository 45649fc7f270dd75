"""Routes of managed ingress as rows: how they begin and end, and which load balancer they share.

A route is wanted here; the loop `ingress` makes it. What a route wants is one document, so that the loop reads one row.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from sqlalchemy import func, select

from emulator.context import Context
from emulator.journal import Kind
from emulator.neighbours.ingress_ports import IngressSubnet
from emulator.state.balancer import ListenerPortRow
from emulator.state.ecs import ServiceRow
from emulator.state.ingress import IngressBalancerRow, IngressRouteRow
from scheduler.reconcile.ingress import Another, Chosen, Refused, RouteDemand, SharedBalancer, choose

EXPRESS = "express"
"""The owner of what Express services share."""
LOOP = "ingress"
_HTTPS = 443


class Wanted(TypedDict):
    """What a route is to be."""

    vpc_id: str
    public: bool
    container: str
    port: int
    port_name: str
    health: Mapping[str, Any]
    """Members of `TargetGroupSpec`."""
    delay: int
    """Seconds for which a target is drained."""
    groups: list[str]
    """Names of both target groups."""
    changes: list[str]
    """Which of `target_group` and `alternate` are to be as `port` and `health` say; the other one serves the revision before."""
    ports: list[int]
    """At which the load balancer reaches the tasks: the newest revision's, and the one's before."""
    security_group: str | None
    """The name of the service's own security group; None where it is not made."""
    service_groups: list[str]
    """Security groups that the service brings."""
    role: str
    """The infrastructure role's ARN."""
    test_header: tuple[str, list[str]] | None
    tags: dict[str, str]


class NoRoomError(Exception):
    """No load balancer can take the route; the text says why."""


def is_managed(service: ServiceRow) -> bool:
    """Whether the loop `ingress` makes something for the service."""
    return service.body.get("resourceManagementType") == "ECS" or bool(service.body.get("gatewayConnectors"))


def place_route(
    context: Context, owner: str, subnets: Sequence[IngressSubnet], front: Sequence[IngressSubnet], most: int | None
) -> IngressBalancerRow:
    """The load balancer for a service in `subnets`; one that has to be made stands in the subnets `front`.

    Raises:
        NoRoomError: there is none.

    """
    query = select(IngressBalancerRow).where(
        IngressBalancerRow.account == context.account,
        IngressBalancerRow.region == context.region,
        IngressBalancerRow.owner == owner,
    )
    rows = context.session.scalars(query.order_by(IngressBalancerRow.created_at, IngressBalancerRow.id)).all()
    shared = [
        SharedBalancer(row.id, row.vpc_id, row.public, frozenset(row.zones), _routes(context, row)) for row in rows
    ]
    demand = RouteDemand(front[0].vpc_id, front[0].public, frozenset(subnet.zone for subnet in subnets))
    match choose(shared, demand, most):
        case Refused(reason):
            raise NoRoomError(reason)
        case Chosen(id=chosen):
            return context.session.get_one(IngressBalancerRow, chosen)
        case Another():
            return _new_balancer(context, owner, front)


def _routes(context: Context, row: IngressBalancerRow) -> int:
    query = select(func.count()).where(IngressRouteRow.balancer_id == row.id)
    return context.session.scalar(query) or 0


def _new_balancer(context: Context, owner: str, subnets: Sequence[IngressSubnet]) -> IngressBalancerRow:
    by_zone = {subnet.zone: subnet.id for subnet in reversed(subnets)}  # one subnet of each zone, as ELB demands
    row = IngressBalancerRow(
        id=context.emulator.ids.hex32()[:8],
        account=context.account,
        region=context.region,
        owner=owner,
        vpc_id=subnets[0].vpc_id,
        public=subnets[0].public,
        subnets=[by_zone[zone] for zone in sorted(by_zone)],
        zones=sorted(by_zone),
        resources={},
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    return row


def new_route(
    context: Context, arn: str, owner: str, service: ServiceRow, balancer: IngressBalancerRow, wanted: Wanted
) -> IngressRouteRow:
    """Want a route to a service."""
    begin = "".join(letter for letter in service.name.lower() if letter.isalnum())[:2]
    row = IngressRouteRow(
        arn=arn,
        account=service.account,
        region=service.region,
        owner=owner,
        service_arn=service.arn,
        cluster_arn=service.cluster_arn,
        balancer_id=balancer.id,
        host=f"{begin or 'ex'}-{context.emulator.ids.hex32()}.ecs.{service.region}.on.localhost",
        status="CREATE_IN_PROGRESS",
        wanted=dict(wanted),
        resources={},
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    _tell(context, row)
    return row


def new_group_names(context: Context) -> list[str]:
    """Names for the two target groups of a route."""
    return [f"ecs-gateway-tg-{context.emulator.ids.hex32()[:17]}" for _ in range(2)]


def move(context: Context, row: IngressRouteRow, status: str) -> None:
    """Set a route's status, journal it and have the loop look."""
    if row.status != status:
        row.status, row.updated_at = status, context.now
        _tell(context, row)


def _tell(context: Context, row: IngressRouteRow) -> None:
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status}, scope=row.cluster_arn)
    context.wake(LOOP, row.service_arn)


def routes_of(context: Context, service_arn: str) -> Sequence[IngressRouteRow]:
    """The routes to a service, oldest first."""
    query = select(IngressRouteRow).where(IngressRouteRow.service_arn == service_arn)
    return context.session.scalars(query.order_by(IngressRouteRow.created_at, IngressRouteRow.arn)).all()


def load_balancers(routes: Sequence[IngressRouteRow]) -> list[dict[str, Any]]:
    """`loadBalancers` of a service that these routes lead to."""
    return [
        {
            "targetGroupArn": row.resources["target_group"],
            "containerName": row.wanted["container"],
            "containerPort": row.wanted["port"],
            "advancedConfiguration": {
                "alternateTargetGroupArn": row.resources["alternate"],
                "productionListenerRule": row.resources["rule"],
                **({"testListenerRule": row.resources["test_rule"]} if "test_rule" in row.resources else {}),
                "roleArn": row.wanted["role"],
            },
        }
        for row in routes
    ]


def url_of(context: Context, route: IngressRouteRow) -> str:
    """The URL of a route; with the port where its listener has another one than 443 on this machine."""
    balancer = context.session.get(IngressBalancerRow, route.balancer_id)
    listener = balancer.resources.get("listener", "") if balancer is not None else ""
    found = context.session.get(ListenerPortRow, listener)
    port = "" if found is None or found.port == _HTTPS else f":{found.port}"
    return f"https://{route.host}{port}"
