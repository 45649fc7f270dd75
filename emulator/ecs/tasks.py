"""Tasks: run, start, stop, describe, list."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from sqlalchemy import Select, bindparam, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.capacity_launch import MOST_PROVISIONING, launch_by_strategy
from emulator.ecs.cluster_capacity_providers import chosen_strategy, launch_type_of_strategy
from emulator.ecs.clusters import find_cluster
from emulator.ecs.container_instances import find_container_instance
from emulator.ecs.demand import demand_of
from emulator.ecs.errors import (
    ClientException,
    ConflictException,
    InvalidParameterException,
    ServiceNotFoundException,
)
from emulator.ecs.launch import LaunchRequest, launch_tasks, new_task, subnets_of
from emulator.ecs.launch_rules import check_launch_type, network_of, platform_of, rules_for_hosts
from emulator.ecs.names import last_part
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.placement_rules import constraints_of, strategies_of
from emulator.ecs.task_documents import describe_task
from emulator.ecs.task_rules import (
    check_compatible,
    check_labels,
    checked_overrides,
    refuse_unsupported,
    task_tags,
    usable_task_definition,
)
from emulator.ecs.task_states import StopCode, request_stop
from emulator.state.ecs import ClusterRow, ServiceRow, TaskRow
from emulator.state.store import rows_by_key
from emulator.state.transactions import STATEMENTS, Transactions
from scheduler.placement import refusal

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DescribeTasksRequestTypeDef,
        ListTasksRequestTypeDef,
        RunTaskRequestTypeDef,
        StartTaskRequestTypeDef,
        StopTaskRequestTypeDef,
    )

__all__ = ["check_compatible", "describe_tasks", "list_tasks", "run_task", "start_task", "stop_task"]

_NO_CANDIDATES = {"DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED"}
"""Hosts in these states are not looked at, so that RunTask names no failure for them; explanations do."""
_PLACEMENT = ("placementConstraints", "placementStrategy")
_TOKEN_LIVES = timedelta(hours=24)
_OTHER_FILTERS = {"family", "serviceName", "containerInstance", "launchType", "daemonName"}
_FILTERS = {"family": "family", "startedBy": "started_by", "launchType": "launch_type"}


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
    check_labels(request, 128)
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    token = request.get("clientToken")
    if token is not None:
        earlier = _started_under(context, cluster, token, digest)
        if earlier:
            return {"tasks": [describe_task(task, tags=True) for task in earlier], "failures": []}
    strategy = chosen_strategy(cluster, request)
    launch_type = launch_type_of_strategy(strategy) if strategy else request.get("launchType", "EC2")
    plain = _launch(context, cluster, request, launch_type)
    asked_constraints = rules_for_hosts(request.get("placementConstraints", []), launch_type, "constraints")
    asked_strategies = rules_for_hosts(request.get("placementStrategy", []), launch_type, "strategies")
    launch = replace(
        plain,
        count=count,
        constraints=[
            *constraints_of(plain.task_definition.body["placementConstraints"]),
            *constraints_of(asked_constraints),
        ],
        strategies=strategies_of(asked_strategies),
        client_token=token,
        request_digest=digest,
        asked={member: value for member, value in request.items() if member in _PLACEMENT and value},
    )
    if strategy:
        return _run_by_strategy(context, launch, strategy)
    if launch_type != "FARGATE":
        fleet = context.emulator.fleets.of(context.session, cluster.arn)
        if not any(node.status == "ACTIVE" for node in fleet.nodes()):
            raise InvalidParameterException("No Container Instances were found in your cluster.")
    result = launch_tasks(context, launch)
    refusals = result.placement.refusals if result.placement is not None else {}
    return {
        "tasks": [describe_task(task, tags=True) for task in result.tasks],
        "failures": [{"arn": arn, "reason": why} for arn, why in refusals.items() if why not in _NO_CANDIDATES],
    }


def _launch(
    context: Context, cluster: ClusterRow, request: "RunTaskRequestTypeDef | StartTaskRequestTypeDef", launch_type: str
) -> LaunchRequest:
    """What RunTask and StartTask have in common: one task, checked."""
    refuse_unsupported(request)
    definition = usable_task_definition(context, request["taskDefinition"])
    network = network_of(request.get("networkConfiguration", {})) or None
    check_compatible(definition, launch_type, network)
    platform = request.get("platformVersion")
    if platform is not None:
        platform_of(str(platform), launch_type)
    return LaunchRequest(
        cluster=cluster,
        task_definition=definition,
        count=1,
        launch_type=launch_type,
        group=request.get("group") or f"family:{definition.family}",
        started_by=request.get("startedBy"),
        network_configuration=network,
        overrides=checked_overrides(definition, request.get("overrides", {}), launch_type, context.emulator.port),
        tags=task_tags(definition, cluster.name, request),
        enable_execute_command=request.get("enableExecuteCommand", False),
    )


def _run_by_strategy(context: Context, launch: LaunchRequest, strategy: Sequence[Mapping[str, Any]]) -> TasksResult:
    """What finds no host waits for one, so there are no failures."""
    result = launch_by_strategy(context, launch, strategy, {})
    if len(result.tasks) < launch.count:
        raise ClientException(f"The cluster can have at most {MOST_PROVISIONING} tasks in the PROVISIONING state.")
    return {"tasks": [describe_task(task, tags=True) for task in result.tasks], "failures": []}


def _started_under(context: Context, cluster: ClusterRow, token: str, digest: str) -> list[TaskRow]:
    """What an earlier RunTask with the same token started.

    Raises:
        ConflictException: it was another request.

    """
    rows = list(
        context.session.scalars(
            select(TaskRow).where(
                TaskRow.cluster_arn == cluster.arn,
                TaskRow.client_token == token,
                TaskRow.created_at > context.now - _TOKEN_LIVES,
            )
        )
    )
    if rows and rows[0].request_digest != digest:
        raise ConflictException(
            "The client token was used with other parameters.",  # (unconfirmed) text
            {"resourceIds": [row.arn for row in rows]},
        )
    return rows


def start_task(context: Context, request: "StartTaskRequestTypeDef") -> TasksResult:
    """Start one task on each host named; constraints still hold, strategies do not apply."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["containerInstances"]
    if not 1 <= len(names) <= 10:
        raise InvalidParameterException("Container instances must have between 1 and 10 elements.")  # (unconfirmed)
    check_labels(request, 36)
    launch = _launch(context, cluster, request, "EC2")
    definition, group = launch.task_definition, launch.group
    demand = demand_of(definition.body, group, launch.overrides)
    subnets = subnets_of(context, launch)
    fleet = context.emulator.fleets.of(context.session, cluster.arn)
    constraints = constraints_of(definition.body["placementConstraints"])
    result: TasksResult = {"tasks": [], "failures": []}
    seen: set[str] = set()
    for name in dict.fromkeys(names):
        host = find_container_instance(context, cluster, name)
        if host is not None and host.arn in seen:  # the same host under another of its names
            continue
        node = None if host is None else fleet.node(host.arn)
        arn = host.arn if host else context.arn("ecs", f"container-instance/{cluster.name}/{last_part(name)}")
        reason = "MISSING" if host is None else "INACTIVE" if node is None else refusal(node, demand, constraints)
        if reason in _NO_CANDIDATES:
            reason = "INACTIVE"  # (unconfirmed): of the documented reasons the one that comes closest
        if host is None or reason is not None:
            result["failures"].append({"arn": arn, "reason": str(reason)})
        else:
            seen.add(host.arn)
            task = new_task(context, launch, demand, host.arn, host.zone, subnets)
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
    row = context.session.get(TaskRow, task_arn_of(context, cluster, identifier))
    return row if row is not None and row.cluster_arn == cluster.arn else None


def task_arn_of(context: Context, cluster: ClusterRow, identifier: str) -> str:
    """The ARN of a task that is named by it or by its id."""
    return identifier if parse_arn(identifier) else context.arn("ecs", f"task/{cluster.name}/{last_part(identifier)}")


def describe_tasks(context: Context, request: "DescribeTasksRequestTypeDef") -> TasksResult:
    """Describe up to 100 tasks; stopped ones for an hour."""
    cluster = find_cluster(context, request.get("cluster"))
    names = request["tasks"]
    if not names:
        raise InvalidParameterException("Tasks cannot be empty.")
    if len(names) > 100:
        raise InvalidParameterException("Tasks cannot have more than 100 elements.")  # (unconfirmed) text
    arns = [task_arn_of(context, cluster, name) for name in names]
    rows = rows_by_key(context.session, TaskRow, arns)
    found = {arn: row for arn, row in rows.items() if row.cluster_arn == cluster.arn}
    tags = "TAGS" in request.get("include", [])
    return {
        "tasks": [describe_task(found[arn], tags=tags) for arn in arns if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def list_tasks(context: Context, request: "ListTasksRequestTypeDef") -> dict[str, Any]:
    """A page of the tasks that match, in the order of their ARNs."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"))
    if "launchType" in request:
        check_launch_type(request["launchType"])
    if "startedBy" in request and request.keys() & _OTHER_FILTERS:
        raise InvalidParameterException("startedBy must be the only filter.")  # (unconfirmed) text
    wanted: dict[str, Any] = {
        "cluster_arn": cluster.arn,
        "desired_status": request.get("desiredStatus", "RUNNING"),
        **{column: request[member] for member, column in _FILTERS.items() if member in request},  # type: ignore[literal-required]  # its keys
    }
    if "containerInstance" in request:
        host = find_container_instance(context, cluster, request["containerInstance"])
        if host is None:
            raise InvalidParameterException("Referenced container instance was not found.")  # (unconfirmed) text
        wanted["container_instance_arn"] = host.arn
    if "serviceName" in request:
        wanted["service_arn"] = _service_arn(context, cluster, request["serviceName"])
    if "daemonName" in request:
        wanted["service_arn"] = context.arn("ecs", f"daemon/{cluster.name}/{last_part(request['daemonName'])}")
    asked = {**wanted, "after": start_after(request.get("nextToken")), "most": size + 1}
    statements: Transactions = context.session.info[STATEMENTS]
    arns = statements.strings(_listing(tuple(wanted)), asked)
    shown, more = cut(arns, size)
    return {"taskArns": shown, **more}


@cache
def _listing(columns: tuple[str, ...]) -> Select[str]:
    """The query for a page by these columns; made once, because making it costs more than asking it."""
    matches = [getattr(TaskRow, column) == bindparam(column) for column in columns]
    page = select(TaskRow.arn).where(*matches, TaskRow.arn > bindparam("after"))
    return page.order_by(TaskRow.arn).limit(bindparam("most"))


def _service_arn(context: Context, cluster: ClusterRow, name: str) -> str:
    arn = context.arn("ecs", f"service/{cluster.name}/{last_part(name)}")
    if context.session.get(ServiceRow, arn) is None:
        raise ServiceNotFoundException
    return arn
