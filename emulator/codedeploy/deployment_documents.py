"""How deployments are shown: get, batch, list."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emulator.codedeploy.deployment_groups import find_group
from emulator.codedeploy.deployments import find_deployment
from emulator.codedeploy.errors import BatchLimitExceededException
from emulator.codedeploy.pages import page
from emulator.context import Context
from emulator.state.codedeploy import CodeDeploymentRow
from scheduler.reconcile.traffic_shift import Stage

_MOST = 25
_OVERVIEW = {
    "Created": "Pending",
    "InProgress": "InProgress",
    "Ready": "Ready",
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Stopped": "Failed",
}
"""Status of a deployment → where its only target is counted (of a stopped one unconfirmed)."""


def get_deployment(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """One deployment."""
    return {"deploymentInfo": _describe(find_deployment(context, request["deploymentId"]))}


def batch_get_deployments(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Up to 25 deployments; those that do not exist are left out (unconfirmed)."""
    ids = request["deploymentIds"]
    if len(ids) > _MOST:  # (unconfirmed) text
        raise BatchLimitExceededException(f"At most {_MOST} deployments can be asked for at once.")
    rows = [context.session.get(CodeDeploymentRow, one) for one in ids]
    here = (context.account, context.region)
    return {"deploymentsInfo": [_describe(row) for row in rows if row and (row.account, row.region) == here]}


def _describe(row: CodeDeploymentRow) -> dict[str, Any]:
    body, told = row.body, row.progress
    counts = dict.fromkeys(("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0)
    document = {
        "applicationName": row.application,
        "deploymentGroupName": row.group_name,
        "deploymentConfigName": body["deploymentConfigName"],
        "deploymentId": row.id,
        "revision": body["revision"],
        "status": row.status,
        "createTime": row.created_at,
        "deploymentOverview": {**counts, _OVERVIEW[row.status]: 1},
        "creator": body["creator"],
        "ignoreApplicationStopFailures": False,
        "autoRollbackConfiguration": body["autoRollbackConfiguration"],
        "updateOutdatedInstancesOnly": False,
        "deploymentStyle": body["deploymentStyle"],
        "instanceTerminationWaitTimeStarted": told.get("stage") in {Stage.BAKE_TIME, Stage.CLEAN_UP},
        "blueGreenDeploymentConfiguration": body["blueGreenDeploymentConfiguration"],
        "loadBalancerInfo": body["loadBalancerInfo"],
        "fileExistsBehavior": "DISALLOW",
        "deploymentStatusMessages": [],
        "computePlatform": "ECS",
    }
    optional = {
        "errorInformation": row.error,
        "startTime": row.started_at,
        "completeTime": row.completed_at,
        "description": body["description"],
        "rollbackInfo": _rollback(row),
        "overrideAlarmConfiguration": body.get("overrideAlarmConfiguration"),
    }
    return {**document, **{member: value for member, value in optional.items() if value is not None}}


def _rollback(row: CodeDeploymentRow) -> dict[str, str] | None:
    """(unconfirmed) texts."""
    if "rollbackOf" in row.body:
        triggering = row.body["rollbackOf"]
        return {
            "rollbackTriggeringDeploymentId": triggering,
            "rollbackMessage": f"Deployment {row.id} rolls deployment {triggering} back.",
        }
    back = row.progress.get("rollback")
    if back is None:
        return None
    return {"rollbackDeploymentId": back, "rollbackMessage": f"Deployment {back} rolls this deployment back."}


def list_deployments(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of ids, the newest first."""
    statement = select(CodeDeploymentRow.id).where(
        CodeDeploymentRow.account == context.account, CodeDeploymentRow.region == context.region
    )
    if request.get("applicationName") and request.get("deploymentGroupName"):
        group = find_group(context, request["applicationName"], request["deploymentGroupName"])
        statement = statement.where(
            CodeDeploymentRow.application == group.application, CodeDeploymentRow.group_name == group.name
        )
    elif request.get("applicationName"):
        statement = statement.where(CodeDeploymentRow.application == request["applicationName"])
    if request.get("includeOnlyStatuses"):
        statement = statement.where(CodeDeploymentRow.status.in_(request["includeOnlyStatuses"]))
    asked = request.get("createTimeRange", {})
    if asked.get("start") is not None:
        statement = statement.where(CodeDeploymentRow.created_at >= asked["start"])
    if asked.get("end") is not None:
        statement = statement.where(CodeDeploymentRow.created_at <= asked["end"])
    ids = context.session.scalars(statement.order_by(CodeDeploymentRow.sequence.desc())).all()
    return page("deployments", ids, request.get("nextToken"))
