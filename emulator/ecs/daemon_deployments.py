"""Daemon deployments and revisions: describe and list."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.daemon_counts import deployment_revision_detail
from emulator.ecs.daemon_rollouts import RUNNING, Status
from emulator.ecs.daemons import find_daemon
from emulator.ecs.errors import DaemonNotFoundException, InvalidParameterException
from emulator.ecs.pages import page_size, start_after
from emulator.ecs.service_revisions import check_arns
from emulator.pagination import encode_token
from emulator.state.daemons import DaemonDeploymentRow, DaemonRevisionRow, DaemonRow
from scheduler.reconcile.circuit_breaker import threshold

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DescribeDaemonDeploymentsRequestTypeDef,
        DescribeDaemonRevisionsRequestTypeDef,
        ListDaemonDeploymentsRequestTypeDef,
    )

_DEFAULT_PAGE = 20


class DescribeDaemonDeploymentsResult(TypedDict):
    """Deployments, and what is not one."""

    daemonDeployments: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_daemon_deployments(
    context: Context, request: "DescribeDaemonDeploymentsRequestTypeDef"
) -> DescribeDaemonDeploymentsResult:
    """Describe up to 20 deployments; also those of daemons that have gone."""
    arns = check_arns("daemonDeploymentArns", request["daemonDeploymentArns"])
    found = {row.arn: row for row in context.session.scalars(_mine(context, arns))}
    return {
        "daemonDeployments": [_describe(context, found[arn]) for arn in arns if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def _mine(context: Context, arns: list[str]) -> Any:
    own = [arn for arn in arns if arn.startswith(context.arn("ecs", "daemon-deployment/"))]
    return select(DaemonDeploymentRow).where(DaemonDeploymentRow.arn.in_(own))


def _describe(context: Context, row: DaemonDeploymentRow) -> dict[str, Any]:
    target = context.session.get_one(DaemonRevisionRow, row.revision_arn)
    sources = [context.session.get_one(DaemonRevisionRow, arn) for arn in row.source_arns]
    document = {
        "daemonDeploymentArn": row.arn,
        "clusterArn": row.cluster_arn,
        "status": row.status,
        "targetDaemonRevision": deployment_revision_detail(context, target),
        "sourceDaemonRevisions": [deployment_revision_detail(context, source) for source in sources],
        "circuitBreaker": _breaker(context, row),
        "alarms": _alarms(row),
        "deploymentConfiguration": row.configuration,
        **_instants(row),
    }
    if row.rollback is not None:
        rollback = {member: value for member, value in row.rollback.items() if member != "failedTasks"}
        document["rollback"] = {**rollback, "startedAt": datetime.fromisoformat(row.rollback["startedAt"])}
    return document


def _instants(row: DaemonDeploymentRow) -> dict[str, Any]:
    found = {
        "statusReason": row.status_reason,
        "createdAt": row.created_at,
        "startedAt": row.started_at,
        "stoppedAt": row.stopped_at,
        "finishedAt": row.finished_at,
    }
    return {member: value for member, value in found.items() if value is not None}


def _breaker(context: Context, row: DaemonDeploymentRow) -> dict[str, Any]:
    """The threshold is of the hosts that the cluster's providers have now."""
    revision = context.session.get_one(DaemonRevisionRow, row.revision_arn)
    names = {arn.rpartition("/")[2] for arn in revision.body["capacityProviderArns"]}
    nodes = context.emulator.fleets.of(context.session, row.cluster_arn).nodes()
    most = threshold(sum(node.status == "ACTIVE" and node.capacity_provider in names for node in nodes))
    status = "MONITORING" if row.status in RUNNING else "MONITORING_COMPLETE"
    return {
        "failureCount": row.failed_tasks,
        "status": "TRIGGERED" if row.failed_tasks >= most else status,
        "threshold": most,
    }


def _alarms(row: DaemonDeploymentRow) -> dict[str, Any]:
    settings, found = row.configuration["alarms"], row.alarms.get("triggered", [])
    status = "MONITORING" if row.status in {Status.PENDING, Status.IN_PROGRESS} else "MONITORING_COMPLETE"
    return {
        "status": "TRIGGERED" if found else status if settings["enable"] else "DISABLED",
        "alarmNames": settings["alarmNames"],
        "triggeredAlarmNames": found,
    }


def list_daemon_deployments(context: Context, request: "ListDaemonDeploymentsRequestTypeDef") -> Mapping[str, Any]:
    """A page of a daemon's deployments, the newest first."""
    daemon = _listed(context, request["daemonArn"])
    size = page_size(request.get("maxResults"), default=_DEFAULT_PAGE)
    table = DaemonDeploymentRow
    statement = select(table).where(table.daemon_arn == daemon.arn, table.created_at >= daemon.created_at)
    if request.get("status"):
        statement = statement.where(table.status.in_(request["status"]))
    asked = request.get("createdAt", {})
    if "after" in asked:
        statement = statement.where(table.created_at > asked["after"])
    if "before" in asked:
        statement = statement.where(table.created_at < asked["before"])
    last = start_after(request.get("nextToken"))
    if last:
        if not last.isdigit():
            raise InvalidParameterException("Invalid token.")  # (unconfirmed) text
        statement = statement.where(table.sequence < int(last))
    rows = context.session.scalars(statement.order_by(table.sequence.desc()).limit(size + 1)).all()
    more = {"nextToken": encode_token(str(rows[size - 1].sequence))} if len(rows) > size else {}
    return {"daemonDeployments": [_brief(row) for row in rows[:size]], **more}


def _listed(context: Context, arn: str) -> DaemonRow:
    """The model has no DaemonNotFoundException for this operation."""
    try:
        return find_daemon(context, arn)
    except DaemonNotFoundException as error:
        raise InvalidParameterException(error.message) from error  # (unconfirmed)


def _brief(row: DaemonDeploymentRow) -> dict[str, Any]:
    return {
        "daemonDeploymentArn": row.arn,
        "daemonArn": row.daemon_arn,
        "clusterArn": row.cluster_arn,
        "status": row.status,
        "targetDaemonRevisionArn": row.revision_arn,
        **_instants(row),
    }


class DescribeDaemonRevisionsResult(TypedDict):
    """Revisions, and what is not one."""

    daemonRevisions: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_daemon_revisions(
    context: Context, request: "DescribeDaemonRevisionsRequestTypeDef"
) -> DescribeDaemonRevisionsResult:
    """Describe up to 20 revisions."""
    arns = check_arns("daemonRevisionArns", request["daemonRevisionArns"])
    own = [arn for arn in arns if arn.startswith(context.arn("ecs", "daemon-revision/"))]
    rows = context.session.scalars(select(DaemonRevisionRow).where(DaemonRevisionRow.arn.in_(own)))
    found = {row.arn: row for row in rows}
    return {
        "daemonRevisions": [_revision(found[arn]) for arn in arns if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def _revision(row: DaemonRevisionRow) -> dict[str, Any]:
    body = {member: value for member, value in row.body.items() if member != "capacityProviderArns"}
    return {
        **body,
        "daemonRevisionArn": row.arn,
        "clusterArn": row.cluster_arn,
        "daemonArn": row.daemon_arn,
        "createdAt": row.created_at,
    }
