"""How Express services are shown: from the service, its deployments, and what was really made of its route."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.deployments import living
from emulator.ecs.ingress_routes import routes_of, url_of
from emulator.ecs.service_revisions import revision_arn
from emulator.state.ecs import ServiceDeploymentRow, ServiceRow
from emulator.state.ingress import (
    ExpressConfigurationRow,
    ExpressServiceRow,
)

_HIDDEN = ("ownDefinition",)


def describe_express(context: Context, row: ExpressServiceRow, *, tags: bool) -> dict[str, Any]:
    """A service as DescribeExpressGatewayService shows it."""
    service = context.session.get_one(ServiceRow, row.arn)
    newest = _newest_deployment(context, row.arn)
    return {
        "cluster": service.cluster_arn,
        "serviceName": service.name,
        "serviceArn": row.arn,
        "infrastructureRoleArn": row.infrastructure_role_arn,
        "status": _status(row),
        **({"currentDeployment": newest} if newest else {}),
        "activeConfigurations": active_configurations(context, row, service),
        **({"tags": service.tags} if tags else {}),
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def describe_updated(context: Context, row: ExpressServiceRow) -> dict[str, Any]:
    """A service as UpdateExpressGatewayService answers."""
    service = context.session.get_one(ServiceRow, row.arn)
    return {
        "serviceArn": row.arn,
        "cluster": service.cluster_arn,
        "serviceName": service.name,
        "status": _status(row),
        "targetConfiguration": _target(context, row, service),
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def _status(row: ExpressServiceRow) -> dict[str, str]:
    problem = row.resources.get("problem")
    return {"statusCode": row.status, **({"statusReason": problem} if problem else {})}


def _newest_deployment(context: Context, service_arn: str) -> str | None:
    query = select(ServiceDeploymentRow.arn).where(ServiceDeploymentRow.service_arn == service_arn)
    return context.session.scalars(query.order_by(ServiceDeploymentRow.sequence.desc()).limit(1)).first()


@dataclass(frozen=True, slots=True)
class Deployed:
    """A configuration whose revision is deployed."""

    revision_arn: str
    body: dict[str, Any]
    created_at: datetime


def configurations(context: Context, row: ExpressServiceRow, service: ServiceRow) -> list[Deployed]:
    """Of the revisions that are deployed: PRIMARY first. One that UpdateService began is shown with its task definition."""
    found = []
    for deployment in living(context, service):
        arn = revision_arn(service.arn, deployment.id)
        known = context.session.get(ExpressConfigurationRow, arn)
        if known is not None:
            found.append(Deployed(arn, known.body, known.created_at))
        else:
            body = {**row.wanted, "taskDefinitionArn": deployment.task_definition_arn}
            found.append(Deployed(arn, body, deployment.created_at))
    return found


def active_configurations(context: Context, row: ExpressServiceRow, service: ServiceRow) -> list[dict[str, Any]]:
    """The configurations of the revisions that are deployed; before the first one, the one that is wanted."""
    if row.status == "INACTIVE":
        return []
    paths = ingress_paths(context, row.arn)
    deployed = configurations(context, row, service)
    if not deployed:
        return [_shown(row.wanted, paths) | {"createdAt": row.updated_at}]
    return [
        _shown(item.body, paths) | {"serviceRevisionArn": item.revision_arn, "createdAt": item.created_at}
        for item in deployed
    ]


def _target(context: Context, row: ExpressServiceRow, service: ServiceRow) -> dict[str, Any]:
    """The newest configuration; its revision is there once it is deployed."""
    if row.resources.get("pending", True):
        return _shown(row.wanted, ingress_paths(context, row.arn)) | {"createdAt": row.updated_at}
    return active_configurations(context, row, service)[0]


def _shown(configuration: dict[str, Any], paths: list[dict[str, str]]) -> dict[str, Any]:
    kept = {member: value for member, value in configuration.items() if member not in _HIDDEN}
    return {**kept, "ingressPaths": paths}


def ingress_paths(context: Context, service_arn: str) -> list[dict[str, str]]:
    """Where the service is answered."""
    return [
        {
            "accessType": "PUBLIC" if route.wanted["public"] else "PRIVATE",
            "endpoint": url_of(context, route),
        }
        for route in routes_of(context, service_arn)
    ]
