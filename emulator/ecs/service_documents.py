"""How a service is shown; counts are queried from its tasks."""

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from emulator.arns import make_arn
from emulator.context import Context
from emulator.ecs.deployments import living
from emulator.ecs.service_events import events_of
from emulator.state.ecs import DeploymentRow, ServiceRow, TaskRow

_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")


def describe_service(context: Context, row: ServiceRow, *, tags: bool = False) -> dict[str, Any]:
    """A service as DescribeServices shows it."""
    running, pending = _counts(context, row)
    role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    document = {
        **row.body,
        "serviceArn": row.arn,
        "serviceName": row.name,
        "clusterArn": row.cluster_arn,
        "loadBalancers": [],
        "serviceRegistries": [],
        "status": row.status,
        "desiredCount": row.desired_count,
        "runningCount": sum(running.values()),
        "pendingCount": sum(pending.values()),
        "launchType": row.launch_type,
        "taskDefinition": row.task_definition_arn,
        "deployments": [_deployment(item, row, running, pending) for item in living(context, row)],
        "roleArn": make_arn("iam", "", row.account, role),
        "events": events_of(context, row.arn),
        "createdAt": row.created_at,
        "createdBy": row.created_by,
        "schedulingStrategy": row.scheduling_strategy,
    }
    if tags:
        document["tags"] = row.tags
    return document


def _counts(context: Context, row: ServiceRow) -> tuple[Counter[str], Counter[str]]:
    """RUNNING and pending tasks by deployment."""
    running: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for deployment, status, count in context.session.execute(
        select(TaskRow.deployment_id, TaskRow.last_status, func.count())
        .where(TaskRow.service_arn == row.arn, TaskRow.last_status.in_(["RUNNING", *_PENDING]))
        .group_by(TaskRow.deployment_id, TaskRow.last_status)
    ):
        (running if status == "RUNNING" else pending)[str(deployment)] += count
    return running, pending


def _deployment(
    item: DeploymentRow, service: ServiceRow, running: Counter[str], pending: Counter[str]
) -> dict[str, Any]:
    return {
        **item.body,
        "id": item.id,
        "status": item.status,
        "taskDefinition": item.task_definition_arn,
        "desiredCount": service.desired_count if item.status == "PRIMARY" else 0,
        "pendingCount": pending[item.id],
        "runningCount": running[item.id],
        "failedTasks": item.failed_tasks,
        "createdAt": item.created_at,
        "updatedAt": item.updated_at,
        "rolloutState": item.rollout_state,
        "rolloutStateReason": item.rollout_state_reason,
    }
