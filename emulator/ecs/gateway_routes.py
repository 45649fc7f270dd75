"""Routes of gateways, and what was made for them, as they are shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.errors import ResourceNotFoundException
from emulator.ecs.gateways import find_gateway
from emulator.ecs.ingress_routes import EXPRESS, url_of
from emulator.ecs.names import last_part
from emulator.ecs.pages import page_size, start_after
from emulator.pagination import encode_token
from emulator.state.ingress import IngressBalancerRow, IngressRouteRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DescribeGatewayResourcesRequestTypeDef,
        DescribeGatewayRouteRequestTypeDef,
        ListGatewayRoutesRequestTypeDef,
    )

_MOST_RESOURCES = 20
_SOME_RESOURCES = 10


def describe_gateway_route(context: Context, request: "DescribeGatewayRouteRequestTypeDef") -> dict[str, Any]:
    """A route with what was made for it."""
    row = context.session.get(IngressRouteRow, request["gatewayRouteArn"])
    if row is None or row.owner == EXPRESS or (row.account, row.region) != (context.account, context.region):
        raise ResourceNotFoundException("The specified resource was not found.")  # (unconfirmed) text
    return {
        "gatewayRoute": {
            "gatewayRouteArn": row.arn,
            "serviceArn": row.service_arn,
            "serviceContainerPortName": row.wanted["port_name"],
            "status": row.status,
            "serviceUrl": url_of(context, row),
            **_resources(context, row),
        }
    }


def _resources(context: Context, row: IngressRouteRow) -> dict[str, Any]:
    balancer = context.session.get_one(IngressBalancerRow, row.balancer_id)
    made, shared = row.resources, balancer.resources
    if "rule" not in made:
        return {}
    own = next(iter(row.wanted["service_groups"]), None)
    found = {
        "acmCertificateArn": made["certificate"],
        "loadBalancerArn": shared["arn"],
        "listenerArn": shared["listener"],
        "listenerRuleArn": made["rule"],
        "testListenerRuleArns": [made["test_rule"]] if "test_rule" in made else [],
        "loadBalancerSecurityGroups": [{"arn": context.arn("ec2", f"security-group/{shared['security_group']}")}],
        **({"serviceSecurityGroupArn": context.arn("ec2", f"security-group/{own}")} if own else {}),
    }
    return {"resources": {"hostSharedAlb": [found]}}


def list_gateway_routes(context: Context, request: "ListGatewayRoutesRequestTypeDef") -> Mapping[str, Any]:
    """A page of the routes of gateways."""
    size = page_size(request.get("maxResults"))
    statement = select(IngressRouteRow).where(
        IngressRouteRow.account == context.account,
        IngressRouteRow.region == context.region,
        IngressRouteRow.owner != EXPRESS,
        IngressRouteRow.arn > start_after(request.get("nextToken")),
    )
    if "gateway" in request:
        statement = statement.where(IngressRouteRow.owner == find_gateway(context, request["gateway"]).arn)
    if request.get("status"):
        statement = statement.where(IngressRouteRow.status.in_(request["status"]))
    rows = [row for row in context.session.scalars(statement.order_by(IngressRouteRow.arn)) if _fits(row, request)]
    more = {"nextToken": encode_token(rows[size - 1].arn)} if len(rows) > size else {}
    return {"gatewayRoutes": [_summary(row) for row in rows[:size]], **more}


def _fits(row: IngressRouteRow, request: Mapping[str, Any]) -> bool:
    asked = {"cluster": row.cluster_arn, "service": row.service_arn}
    named = all(
        request[member] == (arn if request[member].startswith("arn:") else last_part(arn))
        for member, arn in asked.items()
        if member in request
    )
    port = request.get("serviceContainerPortName", row.wanted["port_name"])
    return named and bool(port == row.wanted["port_name"])


def _summary(row: IngressRouteRow) -> dict[str, str]:
    return {
        "gatewayRouteArn": row.arn,
        "gatewayArn": row.owner,
        "clusterArn": row.cluster_arn,
        "serviceArn": row.service_arn,
        "serviceContainerPortName": row.wanted["port_name"],
        "status": row.status,
    }


def describe_gateway_resources(context: Context, request: "DescribeGatewayResourcesRequestTypeDef") -> dict[str, Any]:
    """A page of a gateway's load balancers, with the routes that go through each."""
    gateway = find_gateway(context, request["gateway"])
    size = page_size(request.get("maxResults"), _SOME_RESOURCES, _MOST_RESOURCES)
    query = select(IngressBalancerRow).where(
        IngressBalancerRow.owner == gateway.arn, IngressBalancerRow.id > start_after(request.get("nextToken"))
    )
    rows = context.session.scalars(query.order_by(IngressBalancerRow.id).limit(size + 1)).all()
    more = {"nextToken": encode_token(rows[size - 1].id)} if len(rows) > size else {}
    shown = [_balancer(context, row) for row in rows[:size] if "listener" in row.resources]
    return {"gatewayResources": {"gatewayArn": gateway.arn, "resources": {"hostSharedAlb": shown}}, **more}


def _balancer(context: Context, row: IngressBalancerRow) -> dict[str, Any]:
    routes = select(IngressRouteRow.arn).where(IngressRouteRow.balancer_id == row.id).order_by(IngressRouteRow.arn)
    return {
        "loadBalancerArn": row.resources["arn"],
        "listenerArn": row.resources["listener"],
        "securityGroup": row.resources["security_group"],
        "gatewayRouteArns": list(context.session.scalars(routes)),
    }
