"""Services: create, update, delete, describe, list. What they ask for is carried out by `controller.py`."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from sqlalchemy import func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs.clusters import find_cluster
from emulator.ecs.code_deploy_rules import check_code_deploy, check_code_deploy_change
from emulator.ecs.daemon_rules import strategy_of
from emulator.ecs.deployments import living, resize, retire
from emulator.ecs.errors import InvalidParameterException, ServiceNotActiveException, ServiceNotFoundException
from emulator.ecs.gateway_connectors import begin_or_wait, check_connectors
from emulator.ecs.ingress_routes import is_managed
from emulator.ecs.launch_rules import check_launch_type
from emulator.ecs.names import check_name, last_part
from emulator.ecs.namespaces import connect_configuration
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.registry_rules import check_registries
from emulator.ecs.service_documents import describe_all, describe_service
from emulator.ecs.service_rows import put_service
from emulator.ecs.service_rules import (
    changed_body,
    changed_strategy,
    check_external,
    check_runnable,
    controller_of,
    definition_of,
    desired_count_of,
    launch_type_of,
    new_body,
    provider_strategy_of,
    refuse_managed_members,
    refuse_unsupported,
)
from emulator.ecs.tags import check_tags
from emulator.ecs.task_set_changes import CODE_DEPLOY, add_first_task_set
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ServiceRow, TaskDefinitionRow, TaskRow, TaskSetRow
from emulator.state.ingress import ExpressServiceRow
from emulator.state.store import rows_by_key

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateServiceRequestTypeDef,
        DeleteServiceRequestTypeDef,
        DescribeServicesRequestTypeDef,
        ListServicesRequestTypeDef,
        UpdateServiceRequestTypeDef,
    )

_MOST_DESCRIBED = 10
_LONGEST_TOKEN = 36
_OF_TASK_SETS = ("taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers", "serviceRegistries")
_BEGINS_DEPLOYMENT = (
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceConnectConfiguration",
    "gatewayConnectors",
    "serviceRegistries",
)
"""Members of the body whose change begins a deployment; beside them the task definition."""


class ServiceResult(TypedDict):
    """One service."""

    service: dict[str, Any]


def create_service(context: Context, request: "CreateServiceRequestTypeDef") -> ServiceResult:
    """Create a service; the same settings again return the service that is there."""
    name = request["serviceName"]
    check_name(name, "serviceName")
    if len(request.get("clientToken", "")) > _LONGEST_TOKEN:
        raise InvalidParameterException("clientToken can have at most 36 characters.")  # (unconfirmed) text
    cluster = find_cluster(context, request.get("cluster"))
    row = asked_service(context, cluster, request)
    earlier = context.session.get(ServiceRow, row.arn)
    if earlier is not None and earlier.status != "INACTIVE":
        if not _same(row, earlier):
            raise InvalidParameterException("Creation of service was not idempotent.")
        return {"service": describe_service(context, earlier, tags=True)}
    put_service(context, row)
    if row.body["deploymentController"]["type"] == CODE_DEPLOY:
        add_first_task_set(context, cluster, row, request)
    elif row.task_definition_arn:
        begin_or_wait(context, row)
    return {"service": describe_service(context, row, tags=True)}


def asked_service(context: Context, cluster: ClusterRow, request: "CreateServiceRequestTypeDef") -> ServiceRow:
    """The service that the request describes, checked; not yet in the session."""
    strategy = strategy_of(request)
    launch_type = launch_type_of(cluster, request)
    refuse_unsupported(context, request)
    external = controller_of(request) == "EXTERNAL"
    if external:
        check_external(request, _OF_TASK_SETS)
    if controller_of(request) == CODE_DEPLOY:
        check_code_deploy(request)
    definition = None if external else definition_of(context, request.get("taskDefinition"))
    body = new_body(request, launch_type)
    providers = provider_strategy_of(cluster, request)
    body |= {"capacityProviderStrategy": providers} if providers else {}
    if definition is not None:
        check_runnable(context, cluster, definition, launch_type, body)
        body |= connect_configuration(context, cluster, definition, request)
    check_connectors(body, definition)
    check_registries(context, body, definition)
    desired = desired_count_of(request.get("desiredCount", 0 if external else None), strategy)
    tags = check_tags(request.get("tags", []))
    definition_arn = "" if definition is None else definition.arn
    settings = [definition_arn, launch_type, desired, body, tags]
    return ServiceRow(
        arn=context.arn("ecs", f"service/{cluster.name}/{request['serviceName']}"),
        account=context.account,
        region=context.region,
        cluster_arn=cluster.arn,
        name=request["serviceName"],
        status="ACTIVE",
        desired_count=desired,
        task_definition_arn=definition_arn,
        launch_type=launch_type,
        scheduling_strategy=strategy,
        body=body,
        client_token=request.get("clientToken"),
        request_digest=sha256(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        created_at=context.now,
        created_by=context.principal,
        unhealthy_streak=0,
        steady=False,
        tags=tags,
    )


def _same(asked: ServiceRow, earlier: ServiceRow) -> bool:
    """Under the token of the first request its own settings count; without one, those that the service has now."""
    if earlier.status != "ACTIVE":
        return False
    if asked.client_token is not None and asked.client_token == earlier.client_token:
        return asked.request_digest == earlier.request_digest
    if asked.scheduling_strategy == "DAEMON":
        asked.desired_count = earlier.desired_count  # it is counted, not asked for
    compared = ("scheduling_strategy", "desired_count", "task_definition_arn", "launch_type", "body", "tags")
    return all(getattr(asked, member) == getattr(earlier, member) for member in compared)


def update_service(context: Context, request: "UpdateServiceRequestTypeDef") -> ServiceResult:
    """Change a service; another task definition, network or platform, or `forceNewDeployment`, begins a deployment."""
    cluster = find_cluster(context, request.get("cluster"))
    row = active_service(context, cluster, request["service"])
    refuse_unsupported(context, request, row.body)
    if row.body["deploymentController"]["type"] != "ECS":
        return _update_external(context, row, request)
    refuse_managed_members(row.body, request)
    body = changed_strategy(cluster, changed_body(row.body, request, row.launch_type), request, row.launch_type)
    definition = context.session.get_one(TaskDefinitionRow, row.task_definition_arn)
    if "taskDefinition" in request:
        definition = definition_of(context, request["taskDefinition"])
    if request.keys() & {"taskDefinition", "networkConfiguration", "loadBalancers", "deploymentConfiguration"}:
        check_runnable(context, cluster, definition, row.launch_type, body)
    check_connectors(body, definition)
    check_registries(context, body, definition)
    body |= connect_configuration(context, cluster, definition, request)
    desired = row.desired_count
    if "desiredCount" in request:
        desired = desired_count_of(request["desiredCount"], row.scheduling_strategy)
    begins = (
        request.get("forceNewDeployment", False)
        or definition.arn != row.task_definition_arn
        or any(body.get(member) != row.body.get(member) for member in _BEGINS_DEPLOYMENT)
    )
    row.body, row.task_definition_arn, row.desired_count, row.steady = body, definition.arn, desired, False
    if begins:
        begin_or_wait(context, row)
        row.unhealthy_streak, row.start_not_before = 0, None
    else:
        resize(context, row)
    context.record(Kind.STATE_CHANGE, row.arn, {"desiredCount": row.desired_count}, scope=row.cluster_arn)
    context.wake("services", row.arn)
    return {"service": describe_service(context, row)}


def _update_external(context: Context, row: ServiceRow, request: "UpdateServiceRequestTypeDef") -> ServiceResult:
    """Only what is not the task sets' may be changed."""
    if row.body["deploymentController"]["type"] == CODE_DEPLOY:
        check_code_deploy_change(request)
    else:
        check_external(request, [*_OF_TASK_SETS, "deploymentConfiguration", "forceNewDeployment"])
    row.body = changed_body(row.body, request, row.launch_type)
    if "desiredCount" in request:
        row.desired_count = desired_count_of(request["desiredCount"])
    context.record(Kind.STATE_CHANGE, row.arn, {"desiredCount": row.desired_count}, scope=row.cluster_arn)
    context.wake("services", row.arn)
    return {"service": describe_service(context, row)}


def active_service(context: Context, cluster: ClusterRow, identifier: str) -> ServiceRow:
    row = context.session.get(ServiceRow, service_arn_of(context, cluster, identifier))
    if row is None or row.cluster_arn != cluster.arn:
        raise ServiceNotFoundException
    if row.status != "ACTIVE":
        raise ServiceNotActiveException
    return row


def service_arn_of(context: Context, cluster: ClusterRow, identifier: str) -> str:
    """An ARN stays as it is, unless it is one of the short, older form `service/NAME`."""
    arn = parse_arn(identifier)
    if arn is not None and arn.resource.count("/") > 1:
        return identifier
    return context.arn("ecs", f"service/{cluster.name}/{last_part(identifier)}")


def delete_service(context: Context, request: "DeleteServiceRequestTypeDef") -> ServiceResult:
    """Drain a service; one that is scaled above 0 only by force."""
    row = active_service(context, find_cluster(context, request.get("cluster")), request["service"])
    if row.desired_count > 0 and row.scheduling_strategy == "REPLICA" and not request.get("force", False):
        raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
    task_sets = context.session.scalars(select(TaskSetRow).where(TaskSetRow.service_arn == row.arn)).all()
    first = row.body["deploymentController"]["type"] == CODE_DEPLOY and len(task_sets) == 1  # it came with the service
    if task_sets and not first and not request.get("force", False):
        raise InvalidParameterException("The service cannot be stopped while deployments are active.")
    for task_set in task_sets:
        task_set.status, task_set.updated_at = "DRAINING", context.now
    row.desired_count = 0
    resize(context, row)
    rollouts.stop_all(context, row)
    drain(context, row)
    context.wake("services", row.arn)
    return {"service": describe_service(context, row)}


def drain(context: Context, row: ServiceRow) -> None:
    """DRAINING until the last task has stopped, then INACTIVE, without deployments (unconfirmed)."""
    alive = context.session.scalar(
        select(func.count()).where(TaskRow.service_arn == row.arn, TaskRow.last_status != "STOPPED")
    )
    status = "DRAINING" if alive else "INACTIVE"
    if status == row.status:
        return
    row.status = status
    if status == "INACTIVE":
        row.stopped_at = context.now
        for deployment in living(context, row):
            retire(context, deployment)
        if is_managed(row):
            context.wake("ingress", row.arn)  # what was made for it goes
    context.record(Kind.STATE_CHANGE, row.arn, {"status": status}, scope=row.cluster_arn)


class DescribeServicesResult(TypedDict):
    """Services, and what is not one."""

    services: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_services(context: Context, request: "DescribeServicesRequestTypeDef") -> DescribeServicesResult:
    """Describe up to 10 services; INACTIVE ones too."""
    cluster = find_cluster(context, request.get("cluster"))
    if not request["services"]:
        raise InvalidParameterException("Services cannot be empty.")  # (unconfirmed) text
    if len(request["services"]) > _MOST_DESCRIBED:
        raise InvalidParameterException("Services cannot have more than 10 elements.")  # (unconfirmed) text
    arns = list(dict.fromkeys(service_arn_of(context, cluster, name) for name in request["services"]))
    rows_found = rows_by_key(context.session, ServiceRow, arns)
    found = {arn: row for arn, row in rows_found.items() if row.cluster_arn == cluster.arn}
    rows = [found[arn] for arn in arns if arn in found]
    return {
        "services": describe_all(context, rows, tags="TAGS" in request.get("include", [])),
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def list_services(context: Context, request: "ListServicesRequestTypeDef") -> Mapping[str, Any]:
    """A page of the ACTIVE services; 10 unless asked for more."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"), default=10)
    statement = select(ServiceRow.arn).where(
        ServiceRow.cluster_arn == cluster.arn,
        ServiceRow.status == "ACTIVE",
        ServiceRow.arn > start_after(request.get("nextToken")),
    )
    if "launchType" in request:
        check_launch_type(request["launchType"])
        statement = statement.where(ServiceRow.launch_type == request["launchType"])
    if "schedulingStrategy" in request:
        statement = statement.where(ServiceRow.scheduling_strategy == request["schedulingStrategy"])
    if "resourceManagementType" in request:
        managed = ServiceRow.arn.in_(select(ExpressServiceRow.arn).where(ExpressServiceRow.status != "INACTIVE"))
        statement = statement.where(managed if request["resourceManagementType"] == "ECS" else ~managed)
    arns = context.session.scalars(statement.order_by(ServiceRow.arn).limit(size + 1)).all()
    shown, more = cut(arns, size)
    return {"serviceArns": shown, **more}
