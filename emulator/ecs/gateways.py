"""Gateways: create, update, delete, describe, list. Their load balancers are made with the first route (`gateway_connectors`)."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.errors import GatewayNotFoundException, InvalidParameterException
from emulator.ecs.express_rules import check_role
from emulator.ecs.gateway_rules import access_type, changed_configuration, check_propagation, new_configuration
from emulator.ecs.ingress_routes import LOOP
from emulator.ecs.names import check_name
from emulator.ecs.pages import page_size, start_after
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.ingress import GatewayAssociationRow, GatewayRow, IngressBalancerRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateGatewayRequestTypeDef,
        DeleteGatewayRequestTypeDef,
        DescribeGatewayRequestTypeDef,
        ListGatewaysRequestTypeDef,
        UpdateGatewayRequestTypeDef,
    )

_MOST_NAMES = 10


def create_gateway(context: Context, request: "CreateGatewayRequestTypeDef") -> dict[str, Any]:
    """Create a gateway; nothing is made for it before a service uses it."""
    name = request["name"]
    check_name(name, "name")
    check_role("infrastructureRoleArn", request["infrastructureRoleArn"])
    token = request.get("clientToken")
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
    arn = context.arn("ecs", f"gateway/{name}")
    earlier = context.session.get(GatewayRow, arn)
    if earlier is not None:
        if token is None or (earlier.client_token, earlier.request_digest) != (token, digest):
            raise InvalidParameterException(f"A gateway with the name {name} already exists.")  # (unconfirmed) text
        return _brief(earlier)
    row = GatewayRow(
        arn=arn,
        account=context.account,
        region=context.region,
        name=name,
        status="ACTIVE",
        infrastructure_role_arn=request["infrastructureRoleArn"],
        deletion_protection=request.get("deletionProtection", True),
        propagate_tags=check_propagation(request.get("propagateTags", "GATEWAY")),
        configuration=new_configuration(context, request["configuration"]),
        client_token=token,
        request_digest=digest,
        created_at=context.now,
        updated_at=context.now,
        tags=check_tags(request.get("tags", [])),
    )
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, arn, {"status": row.status})
    return _brief(row)


def update_gateway(context: Context, request: "UpdateGatewayRequestTypeDef") -> dict[str, Any]:
    """Change a gateway; the loop applies it to its load balancers and rules."""
    row = find_gateway(context, request["gateway"])
    if "infrastructureRoleArn" in request:
        check_role("infrastructureRoleArn", request["infrastructureRoleArn"])
        row.infrastructure_role_arn = request["infrastructureRoleArn"]
    if "configuration" in request:
        row.configuration = changed_configuration(row.configuration, request["configuration"])
    if "propagateTags" in request:
        row.propagate_tags = check_propagation(request["propagateTags"])
    row.deletion_protection = request.get("deletionProtection", row.deletion_protection)
    row.status, row.updated_at = "UPDATE_IN_PROGRESS", context.now
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
    context.wake(LOOP, row.arn)
    return _brief(row)


def delete_gateway(context: Context, request: "DeleteGatewayRequestTypeDef") -> dict[str, Any]:
    """Delete a gateway that is not protected and that no cluster uses."""
    row = find_gateway(context, request["gateway"])
    if row.deletion_protection:  # (unconfirmed) texts
        raise InvalidParameterException("The gateway cannot be deleted while deletion protection is enabled.")
    query = select(func.count()).where(GatewayAssociationRow.gateway_arn == row.arn)
    if context.session.scalar(query):
        raise InvalidParameterException("The gateway cannot be deleted while it is associated with clusters.")
    context.session.delete(row)
    context.record(Kind.STATE_CHANGE, row.arn, {"status": "DELETED"})
    return {"gatewayArn": row.arn, "name": row.name, "status": "DELETED"}


def describe_gateway(context: Context, request: "DescribeGatewayRequestTypeDef") -> dict[str, Any]:
    """A gateway with its configuration, and how many load balancers it has."""
    row = find_gateway(context, request["gateway"])
    query = select(func.count()).where(IngressBalancerRow.owner == row.arn)
    shared = {**row.configuration, "currentAlbCount": context.session.scalar(query) or 0}
    return {
        "gateway": {
            "gatewayArn": row.arn,
            "name": row.name,
            "status": row.status,
            "infrastructureRoleArn": row.infrastructure_role_arn,
            "deletionProtection": row.deletion_protection,
            "configuration": {"hostSharedAlb": shared},
            "accessType": access_type(row.configuration),
            "propagateTags": row.propagate_tags,
            "tags": row.tags,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
    }


def list_gateways(context: Context, request: "ListGatewaysRequestTypeDef") -> Mapping[str, Any]:
    """A page of the gateways, by name."""
    size = page_size(request.get("maxResults"))
    names = list(request.get("names", []))
    if len(names) > _MOST_NAMES:
        raise InvalidParameterException(f"names can have at most {_MOST_NAMES} elements.")  # (unconfirmed) text
    statement = select(GatewayRow).where(
        GatewayRow.account == context.account,
        GatewayRow.region == context.region,
        GatewayRow.arn > start_after(request.get("nextToken")),
    )
    if names:
        statement = statement.where(GatewayRow.name.in_(names))
    if request.get("status"):
        statement = statement.where(GatewayRow.status.in_(request["status"]))
    rows = context.session.scalars(statement.order_by(GatewayRow.arn).limit(size + 1)).all()
    more = {"nextToken": encode_token(rows[size - 1].arn)} if len(rows) > size else {}
    shown = [{**_brief(row), "createdAt": row.created_at} for row in rows[:size]]
    return {"gateways": shown, **more}


def find_gateway(context: Context, identifier: str) -> GatewayRow:
    """The gateway called so, or of that ARN.

    Raises:
        GatewayNotFoundException: there is none in this account and region.

    """
    arn = identifier if identifier.startswith("arn:") else context.arn("ecs", f"gateway/{identifier}")
    row = context.session.get(GatewayRow, arn)
    if row is None or (row.account, row.region) != (context.account, context.region):
        raise GatewayNotFoundException
    return row


def _brief(row: GatewayRow) -> dict[str, Any]:
    return {"gatewayArn": row.arn, "name": row.name, "status": row.status}
