"""Tasks: run, start, stop, describe, list."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.container_instances import container_instances_of, find_container_instance
from emulator.ecs.demand import demand_of
from emulator.ecs.errors import (
    ClientException,
    ConflictException,
    InvalidParameterException,
    ServiceNotFoundException,
)
from emulator.ecs.launch import LaunchRequest, launch_tasks, new_task, subnets_of
from emulator.ecs.names import last_part
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.placement_rules import constraints_of, strategies_of
from emulator.ecs.tags import check_tags
from emulator.ecs.task_definitions import find_task_definition
from emulator.ecs.task_documents import describe_task
from emulator.ecs.task_states import StopCode, request_stop
from emulator.state.ecs import ClusterRow, ServiceRow, TaskDefinitionRow, TaskRow
from scheduler.placement import refusal

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DescribeTasksRequestTypeDef,
        ListTasksRequestTypeDef,
        RunTaskRequestTypeDef,
        StartTaskRequestTypeDef,
        StopTaskRequestTypeDef,
    )


class TasksResult(TypedDict):
    """Tasks, and why others are not there."""

    tasks: list[dict[str, Any]]
    failures: list[dict[str, str]]


def run_task(context: Context, request: "RunTaskRequestTypeDef") -> TasksResult:
    """Place and start up to 10 tasks. What cannot be placed is no error: it is told in `failures`."""
    count = request.get("count", 1)
    if not 1 <= count <= 10:
        raise InvalidParameterException("Task count must be between 1 and 10.")  # (unconfirmed) text
    cluster = find_cluster(context, request.get("cluster"))
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    token = request.get("clientToken")
    if token is not None:
        earlier = _started_under(context, cluster, token, digest)
        if earlier:
            return {"tasks": [describe_task(task, tags=True) for task in earlier], "failures": []}
    if "capacityProviderStrategy" in request:
        raise InvalidParameterException("Capacity provider strategies are not emulated yet; use launchType.")
    definition = usable_task_definition(context, request["taskDefinition"])
    launch_type = request.get("launchType", "EC2")
    check_compatible(definition, launch_type, request.get("networkConfiguration"))
    _check_overrides(definition, request.get("overrides", {}))
    launch = LaunchRequest(
        cluster=cluster,
        task_definition=definition,
        count=count,
        launch_type=launch_type,
        group=request.get("group") or f"family:{definition.family}",
        constraints=constraints_of(
            [*definition.body["placementConstraints"], *request.get("placementConstraints", [])]
        ),
        strategies=strategies_of(request.get("placementStrategy", [])),
        started_by=request.get("startedBy"),
        network_configuration=request.get("networkConfiguration"),
        overrides=request.get("overrides", {}),
        tags=_tags(definition, request),
        enable_execute_command=request.get("enableExecuteCommand", False),
        client_token=token,
        request_digest=digest,
    )
    if launch_type == "EC2" and not container_instances_of(context, cluster):
        raise InvalidParameterException("No Container Instances were found in your cluster.")
    result = launch_tasks(context, launch)
    refusals = result.placement.refusals if result.placement is not None else {}
    return {
        "tasks": [describe_task(task, tags=True) for task in result.tasks],
        "failures": [{"arn": arn, "reason": reason} for arn, reason in refusals.items()],
    }


def _started_under(context: Context, cluster: ClusterRow, token: str, digest: str) -> list[TaskRow]:
    """What an earlier RunTask with the same token started.

    Raises:
        ConflictException: it was another request.

    """
    rows = list(
        context.session.scalars(
            select(TaskRow).where(TaskRow.cluster_arn == cluster.arn, TaskRow.client_token == token)
        )
    )
    if rows and rows[0].request_digest != digest:
        raise ConflictException(
            "The client token was used with other parameters.",  # (unconfirmed) text
            {"resourceIds": [row.arn for row in rows]},
        )
    return rows


def usable_task_definition(context: Context, identifier: str) -> TaskDefinitionRow:
    """The ACTIVE revision that RunTask names."""
    definition = find_task_definition(context, identifier)
    if definition is None:
        raise ClientException("TaskDefinition not found.")
    if definition.status != "ACTIVE":
        raise InvalidParameterException("TaskDefinition is inactive")
    return definition


def check_compatible(
    definition: TaskDefinitionRow, launch_type: str, network_configuration: Mapping[str, Any] | None
) -> None:
    """Launch type and network configuration must go with the task definition."""
    if launch_type not in {"EC2", "FARGATE", "EXTERNAL"}:
        raise InvalidParameterException("launch type should be one of [EC2,FARGATE,EXTERNAL]")
    body = definition.body
    declared = body.get("requiresCompatibilities") or body["compatibilities"]
    if launch_type not in declared:
        raise InvalidParameterException(f"Task definition does not support launch_type {launch_type}.")
    awsvpc = body.get("networkMode") == "awsvpc"
    if awsvpc and not network_configuration:
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if network_configuration and not awsvpc:
        raise InvalidParameterException(
            "Network Configuration is not valid for the given networkMode of this task definition."
        )
    if awsvpc and not (network_configuration or {}).get("awsvpcConfiguration", {}).get("subnets"):
        raise InvalidParameterException("subnets can not be empty.")


def _check_overrides(definition: TaskDefinitionRow, overrides: Mapping[str, Any]) -> None:
    names = {container["name"] for container in definition.body["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )


def _tags(definition: TaskDefinitionRow, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    tags = check_tags(request.get("tags", []))
    if request.get("propagateTags") == "SERVICE":
        raise InvalidParameterException("propagateTags should be one of [TASK_DEFINITION,NONE]")  # (unconfirmed) text
    if request.get("propagateTags") == "TASK_DEFINITION":
        merged = {tag["key"]: tag for tag in [*definition.tags, *tags]}
        return list(merged.values())
    return tags


def start_task(context: Context, request: "StartTaskRequestTypeDef") -> TasksResult:
    """Start one task on each host named; constraints still hold, strategies do not apply."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["containerInstances"]
    if not 1 <= len(names) <= 10:
        raise InvalidParameterException("Container instances must have between 1 and 10 elements.")  # (unconfirmed)
    definition = usable_task_definition(context, request["taskDefinition"])
    check_compatible(definition, "EC2", request.get("networkConfiguration"))
    _check_overrides(definition, request.get("overrides", {}))
    group = request.get("group") or f"family:{definition.family}"
    launch = LaunchRequest(
        cluster=cluster,
        task_definition=definition,
        count=1,
        launch_type="EC2",
        group=group,
        started_by=request.get("startedBy"),
        network_configuration=request.get("networkConfiguration"),
        overrides=request.get("overrides", {}),
        tags=_tags(definition, request),
    )
    demand = demand_of(definition.body, group, launch.overrides)
    subnets = subnets_of(context, launch)
    fleet = context.emulator.fleets.of(context.session, cluster.arn)
    constraints = constraints_of(definition.body["placementConstraints"])
    result: TasksResult = {"tasks": [], "failures": []}
    for name in dict.fromkeys(names):
        host = find_container_instance(context, cluster, name)
        node = None if host is None else fleet.node(host.arn)
        arn = host.arn if host else context.arn("ecs", f"container-instance/{cluster.name}/{last_part(name)}")
        reason = "MISSING" if host is None else "INACTIVE" if node is None else refusal(node, demand, constraints)
        if host is None or reason is not None:
            result["failures"].append({"arn": arn, "reason": str(reason)})
        else:
            task = new_task(context, launch, demand, host, host.zone, subnets)
            result["tasks"].append(describe_task(task, tags=True))
    return result


class StopTaskResult(TypedDict):
    """The task."""

    task: dict[str, Any]


def stop_task(context: Context, request: "StopTaskRequestTypeDef") -> StopTaskResult:
    """Want a task STOPPED; the agent stops it."""
    cluster = find_cluster(context, request.get("cluster"))
    row = _find(context, cluster, request["task"])
    if row is None:
        raise InvalidParameterException("The referenced task was not found.")
    # the default reason is (unconfirmed)
    request_stop(context, row, StopCode.USER_INITIATED, request.get("reason") or "Task stopped by user")
    return {"task": describe_task(row)}


def _find(context: Context, cluster: ClusterRow, identifier: str) -> TaskRow | None:
    row = context.session.get(TaskRow, _arn(context, cluster, identifier))
    return row if row is not None and row.cluster_arn == cluster.arn else None


def _arn(context: Context, cluster: ClusterRow, identifier: str) -> str:
    return identifier if parse_arn(identifier) else context.arn("ecs", f"task/{cluster.name}/{last_part(identifier)}")


def describe_tasks(context: Context, request: "DescribeTasksRequestTypeDef") -> TasksResult:
    """Describe up to 100 tasks; stopped ones for an hour."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["tasks"]
    if not names:
        raise InvalidParameterException("Tasks cannot be empty.")
    if len(names) > 100:
        raise InvalidParameterException("Tasks cannot have more than 100 elements.")  # (unconfirmed) text
    arns = [_arn(context, cluster, name) for name in names]
    found = {
        row.arn: row
        for row in context.session.scalars(
            select(TaskRow).where(TaskRow.arn.in_(arns), TaskRow.cluster_arn == cluster.arn)
        )
    }
    tags = "TAGS" in request.get("include", [])
    return {
        "tasks": [describe_task(found[arn], tags=tags) for arn in arns if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def list_tasks(context: Context, request: "ListTasksRequestTypeDef") -> dict[str, Any]:
    """A page of the tasks that match, in the order of their ARNs."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"))
    if "startedBy" in request and request.keys() & {"family", "serviceName", "containerInstance", "launchType"}:
        raise InvalidParameterException("startedBy must be the only filter.")  # (unconfirmed) text
    statement = select(TaskRow.arn).where(
        TaskRow.cluster_arn == cluster.arn,
        TaskRow.desired_status == request.get("desiredStatus", "RUNNING"),
        TaskRow.arn > start_after(request.get("nextToken")),
    )
    if "containerInstance" in request:
        host = find_container_instance(context, cluster, request["containerInstance"])
        if host is None:
            raise InvalidParameterException("Referenced container instance was not found.")  # (unconfirmed) text
        statement = statement.where(TaskRow.container_instance_arn == host.arn)
    if "serviceName" in request:
        statement = statement.where(TaskRow.service_arn == _service_arn(context, cluster, request["serviceName"]))
    for member, column in (
        ("family", TaskRow.family),
        ("startedBy", TaskRow.started_by),
        ("launchType", TaskRow.launch_type),
    ):
        if member in request:
            statement = statement.where(column == request[member])  # type: ignore[literal-required]  # one of three
    arns = context.session.scalars(statement.order_by(TaskRow.arn).limit(size + 1)).all()
    shown, more = cut(arns, size)
    return {"taskArns": shown, **more}


def _service_arn(context: Context, cluster: ClusterRow, name: str) -> str:
    arn = context.arn("ecs", f"service/{cluster.name}/{last_part(name)}")
    if context.session.get(ServiceRow, arn) is None:
        raise ServiceNotFoundException
    return arn
