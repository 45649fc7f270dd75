"""How services are shown; the counts of their tasks are those of the tallies, which follow the rows."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import Any

from sqlalchemy import select

from emulator.arns import make_arn
from emulator.context import Context
from emulator.ecs.deployments import living_of
from emulator.ecs.rollouts import RUNNING
from emulator.ecs.service_events import events_of
from emulator.ecs.service_revisions import revision_arn
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow, TaskSetRow

_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")
_ROLE = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
_OF_REVISIONS = ("serviceConnectConfiguration", "gatewayConnectors", "gatewayPending")
"""Members of the body that deployments or revisions show, or nobody."""
_DEPLOYMENT_MEMBERS = (
    "launchType",
    "capacityProviderStrategy",
    "networkConfiguration",
    "platformVersion",
    "platformFamily",
    "serviceConnectConfiguration",
)

Counts = Counter[tuple[str, str, bool]]
"""(service ARN, deployment id, whether RUNNING) → tasks; those that are neither running nor pending are left out."""


def describe_service(context: Context, row: ServiceRow, *, tags: bool = False) -> dict[str, Any]:
    """One service, as the answers of changing operations show it."""
    return describe_all(context, [row], tags=tags and bool(row.tags))[0]


def describe_all(context: Context, rows: Sequence[ServiceRow], *, tags: bool) -> list[dict[str, Any]]:
    """Services as DescribeServices shows them. Waiters ask for them again and again, so they are kept until they change."""
    memo, session = context.emulator.store.memo, context.session
    found: dict[str, Any] = {row.arn: memo.known(session, row.arn, tags) for row in rows}
    missing = [row for row in rows if found[row.arn] is None]
    for row, document in zip(missing, _make(context, missing, tags=tags), strict=True):
        memo.keep(session, row.arn, document, tags)
        found[row.arn] = document
    return [found[row.arn] for row in rows]


def _make(context: Context, rows: Sequence[ServiceRow], *, tags: bool) -> list[dict[str, Any]]:
    arns = [row.arn for row in rows]
    if not arns:
        return []
    counts, deployments = count_tasks(context, arns), living_of(context, arns)
    running = {
        row.service_arn: row.arn
        for row in context.session.scalars(
            select(ServiceDeploymentRow).where(
                ServiceDeploymentRow.service_arn.in_(arns), ServiceDeploymentRow.status.in_(RUNNING)
            )
        )
    }
    return [
        _document(context, row, deployments.get(row.arn, []), counts, tags=tags)
        | _rollout(running.get(row.arn))
        | _task_sets(context, row, counts)
        for row in rows
    ]


def _rollout(arn: str | None) -> dict[str, str]:
    return {} if arn is None else {"currentServiceDeployment": arn}


def _task_sets(context: Context, row: ServiceRow, counts: Counts) -> dict[str, Any]:
    if row.body["deploymentController"]["type"] == "ECS":
        return {}
    return {"taskSets": [describe_task_set(item, row, counts) for item in task_sets_of(context, row.arn)]}


def task_sets_of(context: Context, service_arn: str) -> Sequence[TaskSetRow]:
    """The task sets of a service: PRIMARY first, then the newest."""
    rows = context.session.scalars(select(TaskSetRow).where(TaskSetRow.service_arn == service_arn))
    return sorted(
        sorted(rows, key=lambda item: item.created_at, reverse=True), key=lambda item: item.status != "PRIMARY"
    )


def computed_desired(row: TaskSetRow, service: ServiceRow) -> int:
    """How many tasks a task set is to have: its share of the service's desired count, rounded up."""
    return 0 if row.status == "DRAINING" else ceil(service.desired_count * row.scale / 100)


def describe_task_set(row: TaskSetRow, service: ServiceRow, counts: Counts, *, tags: bool = False) -> dict[str, Any]:
    """A task set as it is shown."""
    document = {
        **row.body,
        "id": row.id,
        "taskSetArn": row.arn,
        "serviceArn": row.service_arn,
        "clusterArn": row.cluster_arn,
        "status": row.status,
        "taskDefinition": row.task_definition_arn,
        "computedDesiredCount": computed_desired(row, service),
        "pendingCount": counts[row.service_arn, row.id, False],
        "runningCount": counts[row.service_arn, row.id, True],
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "scale": {"value": row.scale, "unit": "PERCENT"},
        "stabilityStatus": row.stability,
        "stabilityStatusAt": row.stability_at,
    }
    return {**document, "tags": row.tags} if tags else document


def _document(
    context: Context, row: ServiceRow, deployments: Sequence[DeploymentRow], counts: Counts, *, tags: bool
) -> dict[str, Any]:
    document = {
        "loadBalancers": [],
        "serviceRegistries": [],
        "resourceManagementType": "CUSTOMER",
        **row.body,
        "serviceArn": row.arn,
        "serviceName": row.name,
        "clusterArn": row.cluster_arn,
        "status": row.status,
        "desiredCount": row.desired_count,
        "runningCount": _total(counts, row.arn, running=True),
        "pendingCount": _total(counts, row.arn, running=False),
        **({} if row.body.get("capacityProviderStrategy") else {"launchType": row.launch_type}),
        **({"taskDefinition": row.task_definition_arn} if row.task_definition_arn else {}),
        "deployments": [_deployment(item, counts) for item in deployments],
        "currentServiceRevisions": [_revision(item, counts) for item in deployments],
        "roleArn": make_arn("iam", "", row.account, _ROLE),
        "events": events_of(context, row.arn),
        "createdAt": row.created_at,
        "createdBy": row.created_by,
        "schedulingStrategy": row.scheduling_strategy,
    }
    for member in _OF_REVISIONS:
        document.pop(member, None)
    if tags:
        document["tags"] = row.tags
    return document


def count_tasks(context: Context, service_arns: Sequence[str]) -> Counts:
    """The tasks of services, as this transaction sees them."""
    counts: Counts = Counter()
    for arn in service_arns:
        for standing, count in context.emulator.tallies.of(context.session, arn).standings.items():
            if standing.status == "RUNNING" or standing.status in _PENDING:
                counts[arn, str(standing.deployment), standing.status == "RUNNING"] += count
    return counts


def _total(counts: Counts, service_arn: str, *, running: bool) -> int:
    return sum(count for (arn, _, runs), count in counts.items() if arn == service_arn and runs is running)


def _revision(row: DeploymentRow, counts: Counts) -> dict[str, Any]:
    return {
        "arn": revision_arn(row.service_arn, row.id),
        "requestedTaskCount": row.desired_count,
        "runningTaskCount": counts[row.service_arn, row.id, True],
        "pendingTaskCount": counts[row.service_arn, row.id, False],
    }


def _deployment(row: DeploymentRow, counts: Counts) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "taskDefinition": row.task_definition_arn,
        "desiredCount": row.desired_count,
        "pendingCount": counts[row.service_arn, row.id, False],
        "runningCount": counts[row.service_arn, row.id, True],
        "failedTasks": row.failed_tasks,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        **{member: row.body[member] for member in _DEPLOYMENT_MEMBERS if member in row.body},
        "rolloutState": row.rollout_state,
        "rolloutStateReason": row.rollout_state_reason,
    }
