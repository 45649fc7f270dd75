"""Which clusters' services may use which gateways."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import InvalidParameterException, ResourceNotFoundException
from emulator.ecs.gateways import find_gateway
from emulator.ecs.pages import page_size, start_after
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.ingress import GatewayAssociationRow, GatewayRow, IngressRouteRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        AssociateGatewayWithClusterRequestTypeDef,
        DisassociateGatewayFromClusterRequestTypeDef,
        ListGatewayClusterAssociationsRequestTypeDef,
    )

_MOST = 5
"""Gateways of a cluster."""


def associate_gateway_with_cluster(
    context: Context, request: "AssociateGatewayWithClusterRequestTypeDef"
) -> dict[str, str]:
    """Let services of a cluster use a gateway; again is no error, and takes a disassociation back (unconfirmed)."""
    gateway, cluster = find_gateway(context, request["gateway"]), find_cluster(context, request["cluster"])
    row = context.session.get(GatewayAssociationRow, (gateway.arn, cluster.arn))
    if row is None:
        query = select(func.count()).where(GatewayAssociationRow.cluster_arn == cluster.arn)
        if (context.session.scalar(query) or 0) >= _MOST:  # (unconfirmed) text
            raise InvalidParameterException(f"A cluster can be associated with up to {_MOST} gateways.")
        row = GatewayAssociationRow(
            gateway_arn=gateway.arn,
            cluster_arn=cluster.arn,
            account=context.account,
            region=context.region,
            status="ACTIVE",
            created_at=context.now,
        )
        context.session.add(row)
    row.status = "ACTIVE"
    context.record(Kind.STATE_CHANGE, gateway.arn, {"association": row.status}, scope=cluster.arn)
    return _shown(row)


def disassociate_gateway_from_cluster(
    context: Context, request: "DisassociateGatewayFromClusterRequestTypeDef"
) -> dict[str, str]:
    """Let them use it no longer; DISASSOCIATING until the last of their routes has gone."""
    gateway, cluster = find_gateway(context, request["gateway"]), find_cluster(context, request["cluster"])
    row = context.session.get(GatewayAssociationRow, (gateway.arn, cluster.arn))
    if row is None:
        raise ResourceNotFoundException("The gateway is not associated with the cluster.")  # (unconfirmed) text
    row.status = "DISASSOCIATING"
    shown = _shown(row)
    context.record(Kind.STATE_CHANGE, gateway.arn, {"association": row.status}, scope=cluster.arn)
    end_association(context, gateway.arn, cluster.arn)
    return shown


def end_association(context: Context, gateway_arn: str, cluster_arn: str) -> None:
    """Forget an association that is being ended once no route of the cluster is left."""
    row = context.session.get(GatewayAssociationRow, (gateway_arn, cluster_arn))
    if row is None or row.status != "DISASSOCIATING":
        return
    context.session.flush()
    query = select(func.count()).where(IngressRouteRow.owner == gateway_arn, IngressRouteRow.cluster_arn == cluster_arn)
    if not context.session.scalar(query):
        context.session.delete(row)
        context.record(Kind.STATE_CHANGE, gateway_arn, {"association": "INACTIVE"}, scope=cluster_arn)


def list_gateway_cluster_associations(
    context: Context, request: "ListGatewayClusterAssociationsRequestTypeDef"
) -> Mapping[str, Any]:
    """A page of the associations, by gateway and cluster."""
    size, after = page_size(request.get("maxResults")), start_after(request.get("nextToken"))
    statement = select(GatewayAssociationRow).where(
        GatewayAssociationRow.account == context.account, GatewayAssociationRow.region == context.region
    )
    if "gateway" in request:
        statement = statement.where(GatewayAssociationRow.gateway_arn == _arn(context, "gateway", request["gateway"]))
    if "cluster" in request:
        statement = statement.where(GatewayAssociationRow.cluster_arn == _arn(context, "cluster", request["cluster"]))
    if request.get("status"):
        statement = statement.where(GatewayAssociationRow.status.in_(request["status"]))
    ordered = statement.order_by(GatewayAssociationRow.gateway_arn, GatewayAssociationRow.cluster_arn)
    rows = [row for row in context.session.scalars(ordered) if _key(row) > after]
    more = {"nextToken": encode_token(_key(rows[size - 1]))} if len(rows) > size else {}
    return {"gatewayClusterAssociations": [_shown(row) for row in rows[:size]], **more}


def usable_gateways(context: Context, cluster_arn: str) -> Sequence[GatewayRow]:
    """The gateways that services of a cluster may use, by name."""
    query = (
        select(GatewayRow)
        .join(GatewayAssociationRow, GatewayAssociationRow.gateway_arn == GatewayRow.arn)
        .where(GatewayAssociationRow.cluster_arn == cluster_arn, GatewayAssociationRow.status == "ACTIVE")
    )
    return context.session.scalars(query.order_by(GatewayRow.name)).all()


def _arn(context: Context, kind: str, identifier: str) -> str:
    return identifier if identifier.startswith("arn:") else context.arn("ecs", f"{kind}/{identifier}")


def _key(row: GatewayAssociationRow) -> str:
    return f"{row.gateway_arn} {row.cluster_arn}"


def _shown(row: GatewayAssociationRow) -> dict[str, str]:
    return {"gatewayArn": row.gateway_arn, "clusterArn": row.cluster_arn, "status": row.status}
