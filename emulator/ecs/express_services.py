"""Express services: create, update, delete, describe. The loop `ingress` makes what is wanted here.

The service itself stands in `ecs_service` from the first request on; its first deployment begins when its load balancer,
target groups and rule are there.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from sqlalchemy import delete

from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs.clusters import ensure_default_cluster, find_cluster
from emulator.ecs.errors import (
    InvalidParameterException,
    ResourceNotFoundException,
    ServiceNotActiveException,
    ServiceNotFoundException,
)
from emulator.ecs.express_definitions import task_definition
from emulator.ecs.express_documents import configurations, describe_express, describe_updated
from emulator.ecs.express_networks import Network, network_of
from emulator.ecs.express_routes import change_network, change_one_group, follow_configuration, lead, want_route
from emulator.ecs.express_rules import changed_configuration, check_role, new_configuration
from emulator.ecs.ingress_routes import LOOP, routes_of
from emulator.ecs.names import check_name
from emulator.ecs.service_revisions import revision_arn
from emulator.ecs.service_rows import put_service
from emulator.ecs.services import asked_service, delete_service
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ServiceRow
from emulator.state.ingress import ExpressConfigurationRow, ExpressServiceRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateExpressGatewayServiceRequestTypeDef,
        DeleteExpressGatewayServiceRequestTypeDef,
        DescribeExpressGatewayServiceRequestTypeDef,
        UpdateExpressGatewayServiceRequestTypeDef,
    )

_FARGATE = "FARGATE"
_DRAINING = "Unable to Start a service that is still Draining."
_SECONDS = 300


class ExpressResult(TypedDict):
    """One Express service."""

    service: dict[str, Any]


def create_express_gateway_service(
    context: Context, request: "CreateExpressGatewayServiceRequestTypeDef"
) -> ExpressResult:
    """Want an Express service with everything that it needs; the same request again returns the service that is there."""
    check_role("infrastructureRoleArn", request["infrastructureRoleArn"])
    cluster = _cluster(context, request.get("cluster"))
    name = request.get("serviceName") or _name_of(context, request)
    check_name(name, "serviceName")
    arn = context.arn("ecs", f"service/{cluster.name}/{name}")
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
    earlier = context.session.get(ServiceRow, arn)
    before = context.session.get(ExpressServiceRow, arn)
    if before is not None and before.status == "DRAINING":  # what was made for it is still being removed
        raise InvalidParameterException(_DRAINING)
    if earlier is not None and earlier.status != "INACTIVE":
        return _again(context, earlier, digest)
    log_group = f"/aws/ecs/{cluster.name}/{name}-{context.emulator.ids.hex32()[:4]}"
    wanted = new_configuration(context, request, log_group)
    network = network_of(context, request.get("networkConfiguration"))
    wanted["networkConfiguration"] = network.shown
    wanted["taskDefinitionArn"] = task_definition(context, wanted, None, f"{cluster.name}-{name}")
    service = _service(context, cluster, name, wanted, network, check_tags(request.get("tags", [])))
    _forget(context, arn)
    row = ExpressServiceRow(
        arn=arn,
        account=context.account,
        region=context.region,
        status="ACTIVE",
        infrastructure_role_arn=request["infrastructureRoleArn"],
        wanted=wanted,
        task_definition_arn=wanted["taskDefinitionArn"],
        resources={"log_group_name": log_group},
        request_digest=digest,
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    want_route(context, row, service, network)
    context.record(Kind.STATE_CHANGE, arn, {"express": row.status}, scope=cluster.arn)
    context.wake(LOOP, arn)
    return {"service": describe_express(context, row, tags=bool(service.tags))}


def _cluster(context: Context, identifier: str | None) -> ClusterRow:
    """The cluster; `default` is made where it is missing, and tasks may run on Fargate in it."""
    cluster = ensure_default_cluster(context) if identifier in {None, "default"} else find_cluster(context, identifier)
    if _FARGATE not in cluster.capacity_providers:
        cluster.capacity_providers = [*cluster.capacity_providers, _FARGATE]
    return cluster


def _name_of(context: Context, request: Mapping[str, Any]) -> str:
    """A name after the image, as AWS gives one: `web-1257`."""
    image = str(request.get("primaryContainer", {}).get("image", "express"))
    base = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in base)
    return f"{kept[:250]}-{context.emulator.ids.hex32()[:4]}"


def _again(context: Context, service: ServiceRow, digest: str) -> ExpressResult:
    row = context.session.get(ExpressServiceRow, service.arn)
    if service.status == "DRAINING":
        raise InvalidParameterException(_DRAINING)
    if row is None or row.request_digest != digest:
        raise InvalidParameterException("Creation of service was not idempotent.")
    return {"service": describe_express(context, row, tags=bool(service.tags))}


def _service(
    context: Context,
    cluster: ClusterRow,
    name: str,
    wanted: Mapping[str, Any],
    network: Network,
    tags: Sequence[Mapping[str, Any]],
) -> ServiceRow:
    """The row of the service itself, with the settings that Express mode gives it."""
    request: Any = {
        "serviceName": name,
        "taskDefinition": wanted["taskDefinitionArn"],
        "desiredCount": wanted["scalingTarget"]["minTaskCount"],
        "capacityProviderStrategy": [{"capacityProvider": _FARGATE, "base": 1, "weight": 1}],
        "platformVersion": "LATEST",
        "networkConfiguration": network.of_service,
        "deploymentConfiguration": {
            "strategy": "CANARY",
            "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 3},
            "bakeTimeInMinutes": 3,
            "alarms": {"alarmNames": [alarm_name(cluster.name, name)], "enable": True, "rollback": True},
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},  # (unconfirmed)
        },
        "availabilityZoneRebalancing": "ENABLED",
        "enableECSManagedTags": True,
        "propagateTags": "SERVICE",
        "healthCheckGracePeriodSeconds": _SECONDS,
        "tags": tags,
    }
    row = asked_service(context, cluster, request)
    row.body = {**row.body, "resourceManagementType": "ECS"}
    put_service(context, row)
    return row


def alarm_name(cluster: str, service: str) -> str:
    """Of the alarm that rolls the service's deployments back."""
    return f"{cluster}/{service}/RollbackAlarm"


def _forget(context: Context, arn: str) -> None:
    """An INACTIVE service of the same name makes room."""
    earlier = context.session.get(ExpressServiceRow, arn)
    if earlier is not None:
        context.session.execute(delete(ExpressConfigurationRow).where(ExpressConfigurationRow.service_arn == arn))
        context.session.delete(earlier)
        context.session.flush()


def begin_deployment(context: Context, row: ExpressServiceRow, service: ServiceRow) -> None:
    """Begin to deploy the newest configuration."""
    lead(service, row, routes_of(context, service.arn)[0])
    service.task_definition_arn = row.task_definition_arn
    rollout = rollouts.begin(context, service)
    service.unhealthy_streak, service.start_not_before, service.steady = 0, None, False
    context.session.add(
        ExpressConfigurationRow(
            revision_arn=revision_arn(service.arn, rollout.deployment_id),
            service_arn=service.arn,
            body=row.wanted,
            created_at=context.now,
        )
    )
    context.session.flush()
    context.wake("services", service.arn)


def update_express_gateway_service(
    context: Context, request: "UpdateExpressGatewayServiceRequestTypeDef"
) -> ExpressResult:
    """Want another configuration: a new revision is deployed."""
    row, service = _active(context, request["serviceArn"])
    deployed = configurations(context, row, service)
    before = deployed[0].body if deployed else row.wanted
    wanted = changed_configuration(context, before, request, row.resources["log_group_name"])
    if "networkConfiguration" in request:
        network = network_of(context, request["networkConfiguration"])
        wanted["networkConfiguration"] = network.shown
        change_network(context, service, network)
        service.body = {**service.body, "networkConfiguration": network.of_service}
    cluster = context.session.get_one(ClusterRow, service.cluster_arn)
    wanted["taskDefinitionArn"] = task_definition(context, wanted, before, f"{cluster.name}-{service.name}")
    row.wanted, row.task_definition_arn, row.updated_at = wanted, wanted["taskDefinitionArn"], context.now
    ready = follow_configuration(context, row, service)
    row.resources = {**row.resources, "pending": not ready}
    least, most = wanted["scalingTarget"]["minTaskCount"], wanted["scalingTarget"]["maxTaskCount"]
    service.desired_count = min(max(service.desired_count, least), most)
    service.steady = False
    if ready:
        begin_deployment(context, row, service)
        change_one_group(context, service)
    context.record(Kind.STATE_CHANGE, row.arn, {"express": "UPDATED"}, scope=service.cluster_arn)
    context.wake(LOOP, row.arn)
    return {"service": describe_updated(context, row)}


def delete_express_gateway_service(
    context: Context, request: "DeleteExpressGatewayServiceRequestTypeDef"
) -> ExpressResult:
    """Drain the service; what was made for it goes once its tasks have stopped."""
    row, service = _active(context, request["serviceArn"])
    delete_service(context, {"cluster": service.cluster_arn, "service": service.arn, "force": True})
    row.status, row.updated_at = "DRAINING", context.now
    context.record(Kind.STATE_CHANGE, row.arn, {"express": row.status}, scope=service.cluster_arn)
    context.wake(LOOP, row.arn)
    return {"service": describe_express(context, row, tags=False)}


def _active(context: Context, arn: str) -> tuple[ExpressServiceRow, ServiceRow]:
    row = _find(context, arn)
    if row is None:
        raise ServiceNotFoundException
    service = context.session.get_one(ServiceRow, row.arn)
    if row.status != "ACTIVE" or service.status != "ACTIVE":
        raise ServiceNotActiveException
    return row, service


def _find(context: Context, arn: str) -> ExpressServiceRow | None:
    row = context.session.get(ExpressServiceRow, arn)
    return row if row is not None and (row.account, row.region) == (context.account, context.region) else None


def describe_express_gateway_service(
    context: Context, request: "DescribeExpressGatewayServiceRequestTypeDef"
) -> ExpressResult:
    """An Express service; INACTIVE ones too."""
    row = _find(context, request["serviceArn"])
    if row is None:
        raise ResourceNotFoundException("The specified resource was not found.")  # (unconfirmed) text
    return {"service": describe_express(context, row, tags="TAGS" in request.get("include", []))}
