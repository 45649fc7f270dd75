"""Services: create, update, delete, describe, list. What they ask for is carried out by `controller.py`."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from sqlalchemy import func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.deployments import new_deployment, supersede
from emulator.ecs.errors import (
    ClientException,
    InvalidParameterException,
    ServiceNotActiveException,
    ServiceNotFoundException,
    UnsupportedFeatureException,
)
from emulator.ecs.names import check_name, last_part
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.placement_rules import constraints_of, shown_strategies, strategies_of
from emulator.ecs.service_documents import describe_service
from emulator.ecs.tags import check_tags
from emulator.ecs.task_definitions import find_task_definition
from emulator.ecs.tasks import check_compatible
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ServiceRow, TaskDefinitionRow, TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateServiceRequestTypeDef,
        DeleteServiceRequestTypeDef,
        DescribeServicesRequestTypeDef,
        ListServicesRequestTypeDef,
        UpdateServiceRequestTypeDef,
    )

_NOT_YET = (
    "loadBalancers",
    "serviceRegistries",
    "capacityProviderStrategy",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)


class ServiceResult(TypedDict):
    """One service."""

    service: dict[str, Any]


def create_service(context: Context, request: "CreateServiceRequestTypeDef") -> ServiceResult:
    """Create a service; the same request again returns the service that is there."""
    name = request["serviceName"]
    check_name(name, "serviceName")
    cluster = find_cluster(context, request.get("cluster"))
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    arn = context.arn("ecs", f"service/{cluster.name}/{name}")
    row = context.session.get(ServiceRow, arn)
    if row is not None and row.status != "INACTIVE":
        if row.request_digest == digest and row.status == "ACTIVE":
            return {"service": describe_service(context, row)}
        raise InvalidParameterException("Creation of service was not idempotent.")
    _refuse_unsupported(request)
    definition = _definition(context, request.get("taskDefinition"))
    launch_type = request.get("launchType", "EC2")
    if launch_type not in {"EC2", "FARGATE"}:
        raise ClientException("launch type should be one of [EC2,FARGATE]")
    check_compatible(definition, launch_type, request.get("networkConfiguration"))
    if row is not None:
        context.session.delete(row)
        context.session.flush()
    row = ServiceRow(
        arn=arn,
        account=context.account,
        region=context.region,
        cluster_arn=cluster.arn,
        name=name,
        status="ACTIVE",
        desired_count=_desired(request.get("desiredCount")),
        task_definition_arn=definition.arn,
        launch_type=launch_type,
        scheduling_strategy="REPLICA",
        body=_body(request, launch_type),
        client_token=request.get("clientToken"),
        request_digest=digest,
        created_at=context.now,
        created_by=context.principal,
        unhealthy_streak=0,
        steady=False,
        tags=check_tags(request.get("tags", [])),
    )
    context.session.add(row)
    context.session.flush()
    new_deployment(context, row)
    context.record(Kind.STATE_CHANGE, arn, {"status": "ACTIVE", "desiredCount": row.desired_count}, scope=cluster.arn)
    context.wake("services", arn)
    return {"service": describe_service(context, row)}


def _refuse_unsupported(request: Mapping[str, Any]) -> None:
    """What would have to be carried out and is not: an explicit error, never a silent omission."""
    asked = [member for member in _NOT_YET if request.get(member)]
    configuration = request.get("deploymentConfiguration", {})
    if request.get("schedulingStrategy", "REPLICA") != "REPLICA":
        asked.append("schedulingStrategy DAEMON")
    if request.get("deploymentController", {}).get("type", "ECS") != "ECS":
        asked.append(f"deploymentController {request['deploymentController']['type']}")
    if configuration.get("strategy", "ROLLING") != "ROLLING":
        asked.append(f"deployment strategy {configuration['strategy']}")
    asked += [
        member for member in ("deploymentCircuitBreaker", "alarms") if configuration.get(member, {}).get("enable")
    ]
    if asked:
        raise UnsupportedFeatureException(f"Not emulated yet: {', '.join(asked)}.")


def _definition(context: Context, identifier: str | None) -> TaskDefinitionRow:
    if not identifier:
        raise InvalidParameterException("Task Definition can not be blank.")
    definition = find_task_definition(context, identifier)
    if definition is None:
        raise ClientException("TaskDefinition not found.")
    if definition.status != "ACTIVE":
        raise ClientException("TaskDefinition is inactive")
    return definition


def _desired(count: int | None) -> int:
    if count is None:
        raise InvalidParameterException("desiredCount must be specified.")  # (unconfirmed) text
    if count < 0:
        raise InvalidParameterException("desiredCount cannot be a negative number.")
    return count


def _body(request: Mapping[str, Any], launch_type: str) -> dict[str, Any]:
    """The members that only requests change, with ECS's defaults."""
    constraints_of(request.get("placementConstraints", []))
    strategies_of(request.get("placementStrategy", []))
    body: dict[str, Any] = {
        "deploymentConfiguration": _deployment_configuration(request.get("deploymentConfiguration", {})),
        "deploymentController": {"type": "ECS"},
        "placementConstraints": list(request.get("placementConstraints", [])),
        "placementStrategy": shown_strategies(request.get("placementStrategy", [])),
        "healthCheckGracePeriodSeconds": request.get("healthCheckGracePeriodSeconds", 0),
        "enableECSManagedTags": request.get("enableECSManagedTags", False),
        "enableExecuteCommand": request.get("enableExecuteCommand", False),
        "propagateTags": request.get("propagateTags", "NONE"),
        "availabilityZoneRebalancing": "DISABLED",
    }
    if request.get("networkConfiguration"):
        body["networkConfiguration"] = request["networkConfiguration"]
    if launch_type == "FARGATE":
        body |= {"platformVersion": request.get("platformVersion", "LATEST"), "platformFamily": "Linux"}
    return body


def _deployment_configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    configuration = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        **given,
    }
    if configuration["maximumPercent"] < 100 or not 0 <= configuration["minimumHealthyPercent"] <= 100:
        raise InvalidParameterException(
            "maximumPercent must be at least 100 and minimumHealthyPercent between 0 and 100."
        )  # (unconfirmed) text
    return configuration


def _find(context: Context, cluster: ClusterRow, identifier: str) -> ServiceRow | None:
    return context.session.get(ServiceRow, _arn(context, cluster, identifier))


def _arn(context: Context, cluster: ClusterRow, identifier: str) -> str:
    arn = parse_arn(identifier)
    if arn is not None and arn.resource.count("/") == 2:
        return identifier
    return context.arn("ecs", f"service/{cluster.name}/{last_part(identifier)}")


def _active(context: Context, request: Mapping[str, Any]) -> ServiceRow:
    row = _find(context, find_cluster(context, request.get("cluster")), request["service"])
    if row is None:
        raise ServiceNotFoundException
    if row.status != "ACTIVE":
        raise ServiceNotActiveException
    return row


def update_service(context: Context, request: "UpdateServiceRequestTypeDef") -> ServiceResult:
    """Change a service; a new task definition, network configuration or `forceNewDeployment` begins a deployment."""
    row = _active(context, request)
    _refuse_unsupported(request)
    body = dict(row.body)
    if "deploymentConfiguration" in request:
        merged = {**body["deploymentConfiguration"], **request["deploymentConfiguration"]}
        body["deploymentConfiguration"] = _deployment_configuration(merged)
    if "placementConstraints" in request:
        constraints_of(request["placementConstraints"])
        body["placementConstraints"] = list(request["placementConstraints"])
    if "placementStrategy" in request:
        strategies_of(request["placementStrategy"])
        body["placementStrategy"] = shown_strategies(request["placementStrategy"])
    for member in ("healthCheckGracePeriodSeconds", "enableECSManagedTags", "enableExecuteCommand", "propagateTags"):
        if member in request:
            body[member] = request[member]
    before = (row.task_definition_arn, body.get("networkConfiguration"))
    if "networkConfiguration" in request:
        body["networkConfiguration"] = request["networkConfiguration"]
    if "taskDefinition" in request:
        definition = _definition(context, request["taskDefinition"])
        check_compatible(definition, row.launch_type, body.get("networkConfiguration"))
        row.task_definition_arn = definition.arn
    row.body = body
    if "desiredCount" in request:
        row.desired_count = _desired(request["desiredCount"])
    if before != (row.task_definition_arn, body.get("networkConfiguration")) or request.get("forceNewDeployment"):
        supersede(context, row)
        new_deployment(context, row)
        row.unhealthy_streak, row.start_not_before = 0, None
    row.steady = False
    context.record(Kind.STATE_CHANGE, row.arn, {"desiredCount": row.desired_count}, scope=row.cluster_arn)
    context.wake("services", row.arn)
    return {"service": describe_service(context, row)}


def delete_service(context: Context, request: "DeleteServiceRequestTypeDef") -> ServiceResult:
    """Drain a service; scaled above 0 only by force."""
    row = _active(context, request)
    if row.desired_count > 0 and not request.get("force", False):
        raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
    row.desired_count = 0
    alive = context.session.scalar(
        select(func.count()).where(TaskRow.service_arn == row.arn, TaskRow.last_status != "STOPPED")
    )
    row.status = "DRAINING" if alive else "INACTIVE"
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status}, scope=row.cluster_arn)
    context.wake("services", row.arn)
    return {"service": describe_service(context, row)}


class DescribeServicesResult(TypedDict):
    """Services, and what is not one."""

    services: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_services(context: Context, request: "DescribeServicesRequestTypeDef") -> DescribeServicesResult:
    """Describe up to 10 services."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["services"]
    if not names:
        raise InvalidParameterException("Services cannot be empty.")  # (unconfirmed) text
    if len(names) > 10:
        raise InvalidParameterException("Services cannot have more than 10 elements.")  # (unconfirmed) text
    result: DescribeServicesResult = {"services": [], "failures": []}
    for name in names:
        row = _find(context, cluster, name)
        if row is None:
            result["failures"].append({"arn": _arn(context, cluster, name), "reason": "MISSING"})
        else:
            result["services"].append(describe_service(context, row, tags="TAGS" in request.get("include", [])))
    return result


def list_services(context: Context, request: "ListServicesRequestTypeDef") -> dict[str, Any]:
    """A page of the ACTIVE services; 10 unless asked for more."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"), default=10)
    statement = select(ServiceRow.arn).where(
        ServiceRow.cluster_arn == cluster.arn,
        ServiceRow.status == "ACTIVE",
        ServiceRow.arn > start_after(request.get("nextToken")),
    )
    if "launchType" in request:
        statement = statement.where(ServiceRow.launch_type == request["launchType"])
    if "schedulingStrategy" in request:
        statement = statement.where(ServiceRow.scheduling_strategy == request["schedulingStrategy"])
    arns = context.session.scalars(statement.order_by(ServiceRow.arn).limit(size + 1)).all()
    shown, more = cut(arns, size)
    return {"serviceArns": shown, **more}
