"""Service deployments: describe, list, stop. What they ask for is carried out by the loop `services`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.breaker import describe_breaker
from emulator.ecs.clusters import find_cluster
from emulator.ecs.deployment_alarms import describe_alarms
from emulator.ecs.errors import (
    ConflictException,
    InvalidParameterException,
    ServiceDeploymentNotFoundException,
    ServiceNotFoundException,
)
from emulator.ecs.lifecycle_hooks import change_hook, describe_hooks, hooks_of
from emulator.ecs.pages import page_size, start_after
from emulator.ecs.rollouts import Status, move, rollback_document, target_arn
from emulator.ecs.service_documents import Counts, count_tasks
from emulator.ecs.service_revisions import check_arns, revision_arn
from emulator.ecs.services import service_arn_of
from emulator.ecs.shift_plans import share_of
from emulator.pagination import encode_token
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        ContinueServiceDeploymentRequestTypeDef,
        DescribeServiceDeploymentsRequestTypeDef,
        ListServiceDeploymentsRequestTypeDef,
        StopServiceDeploymentRequestTypeDef,
    )

_DEFAULT_PAGE = 20
_KEPT = timedelta(days=90)


class DescribeServiceDeploymentsResult(TypedDict):
    """Service deployments, and what is not one."""

    serviceDeployments: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_service_deployments(
    context: Context, request: "DescribeServiceDeploymentsRequestTypeDef"
) -> DescribeServiceDeploymentsResult:
    """Describe up to 20 service deployments."""
    arns = check_arns("serviceDeploymentArns", request["serviceDeploymentArns"])
    rows = context.session.scalars(select(ServiceDeploymentRow).where(ServiceDeploymentRow.arn.in_(arns)))
    found = {row.arn: row for row in rows}
    counts = count_tasks(context, [row.service_arn for row in found.values()])
    return {
        "serviceDeployments": [_describe(context, found[arn], counts) for arn in arns if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def _describe(context: Context, row: ServiceDeploymentRow, counts: Counts) -> dict[str, Any]:
    service = context.session.get_one(ServiceRow, row.service_arn)
    document = {
        **_brief(row),
        "updatedAt": row.updated_at,
        "sourceServiceRevisions": [
            _revision(context, row, source, counts) | _weights(row, source) for source in row.source_ids
        ],
        "targetServiceRevision": _revision(context, row, row.deployment_id, counts) | _weights(row, row.deployment_id),
        "deploymentConfiguration": row.configuration,
        "deploymentCircuitBreaker": describe_breaker(row, service.desired_count),
        "alarms": describe_alarms(row),
        **rollback_document(row),
    }
    del document["targetServiceRevisionArn"]
    hooks = describe_hooks(row) or None
    shown = {"stoppedAt": row.stopped_at, "lifecycleStage": row.stage, "lifecycleHookDetails": hooks}
    return document | {member: value for member, value in shown.items() if value is not None}


def _brief(row: ServiceDeploymentRow) -> dict[str, Any]:
    document = {
        "serviceDeploymentArn": row.arn,
        "serviceArn": row.service_arn,
        "clusterArn": row.cluster_arn,
        "createdAt": row.created_at,
        "targetServiceRevisionArn": target_arn(row),
        "status": row.status,
    }
    optional = {"startedAt": row.started_at, "finishedAt": row.finished_at, "statusReason": row.status_reason}
    return document | {member: value for member, value in optional.items() if value is not None}


def _revision(context: Context, row: ServiceDeploymentRow, deployment_id: str, counts: Counts) -> dict[str, Any]:
    """Counts are those of now, also after the end of the deployment (AWS's may be of its end, unconfirmed)."""
    deployment = context.session.get_one(DeploymentRow, deployment_id)
    return {
        "arn": revision_arn(row.service_arn, deployment_id),
        "requestedTaskCount": deployment.desired_count if deployment.status != "INACTIVE" else 0,
        "runningTaskCount": counts[row.service_arn, deployment_id, True],
        "pendingTaskCount": counts[row.service_arn, deployment_id, False],
    }


def _weights(row: ServiceDeploymentRow, deployment_id: str) -> dict[str, float]:
    shares = {
        "requestedProductionTrafficWeight": share_of(row, deployment_id, "production"),
        "requestedTestTrafficWeight": share_of(row, deployment_id, "test"),
    }
    return {shown: share for shown, share in shares.items() if share is not None}


def list_service_deployments(context: Context, request: "ListServiceDeploymentsRequestTypeDef") -> Mapping[str, Any]:
    """A page of a service's deployments of the last 90 days, the newest first."""
    cluster = find_cluster(context, request.get("cluster"))
    service = context.session.get(ServiceRow, service_arn_of(context, cluster, request["service"]))
    if service is None or service.cluster_arn != cluster.arn:
        raise ServiceNotFoundException
    size = page_size(request.get("maxResults"), default=_DEFAULT_PAGE)
    statement = select(ServiceDeploymentRow).where(
        ServiceDeploymentRow.service_arn == service.arn, ServiceDeploymentRow.created_at > context.now - _KEPT
    )
    if request.get("status"):
        statement = statement.where(ServiceDeploymentRow.status.in_(request["status"]))
    asked = request.get("createdAt", {})
    if "after" in asked:
        statement = statement.where(ServiceDeploymentRow.created_at > asked["after"])
    if "before" in asked:
        statement = statement.where(ServiceDeploymentRow.created_at < asked["before"])
    last = start_after(request.get("nextToken"))
    if last:
        if not last.isdigit():
            raise InvalidParameterException("Invalid token.")  # (unconfirmed) text
        statement = statement.where(ServiceDeploymentRow.sequence < int(last))
    rows = context.session.scalars(statement.order_by(ServiceDeploymentRow.sequence.desc()).limit(size + 1)).all()
    more = {"nextToken": encode_token(str(rows[size - 1].sequence))} if len(rows) > size else {}
    return {"serviceDeployments": [_brief(row) for row in rows[:size]], **more}


class ServiceDeploymentResult(TypedDict):
    """Which one."""

    serviceDeploymentArn: str


def stop_service_deployment(
    context: Context, request: "StopServiceDeploymentRequestTypeDef"
) -> ServiceDeploymentResult:
    """Want a deployment stopped where it is (ABORT), or gone back from (ROLLBACK)."""
    row = find_service_deployment(context, request["serviceDeploymentArn"])
    if row.status not in {Status.PENDING, Status.IN_PROGRESS}:
        # (unconfirmed) text
        raise ConflictException(f"The service deployment cannot be stopped because its status is {row.status}.")
    abort = request.get("stopType", "ROLLBACK") == "ABORT"
    move(context, row, Status.STOP_REQUESTED if abort else Status.ROLLBACK_REQUESTED)
    context.wake("services", row.service_arn)
    return {"serviceDeploymentArn": row.arn}


def continue_service_deployment(
    context: Context, request: "ContinueServiceDeploymentRequestTypeDef"
) -> ServiceDeploymentResult:
    """Let a paused deployment go on, or back."""
    row = find_service_deployment(context, request["serviceDeploymentArn"])
    hook = next((hook for hook in hooks_of(row) if hook["hookId"] == request["hookId"]), None)
    if hook is None or hook["status"] != "AWAITING_ACTION" or row.status != Status.IN_PROGRESS:
        # (unconfirmed) text
        raise InvalidParameterException(f"The service deployment is not paused at the hook {request['hookId']}.")
    if request.get("action", "CONTINUE") == "CONTINUE":
        change_hook(row, hook["hookId"], {"status": "SUCCEEDED"})
    else:
        # (unconfirmed) text
        change_hook(row, hook["hookId"], {"status": "FAILED", "reason": "A rollback was requested at the pause hook."})
    context.wake("services", row.service_arn)
    return {"serviceDeploymentArn": row.arn}


def find_service_deployment(context: Context, arn: str) -> ServiceDeploymentRow:
    """The service deployment of that ARN.

    Raises:
        ServiceDeploymentNotFoundException: there is none in this account and region.

    """
    row = context.session.get(ServiceDeploymentRow, arn)
    if row is None or not row.arn.startswith(context.arn("ecs", "service-deployment/")):
        raise ServiceDeploymentNotFoundException
    return row
