"""The target of an ECS deployment: its service, with its lifecycle events and task sets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.codedeploy import progress
from emulator.codedeploy.deployments import find_deployment
from emulator.codedeploy.errors import DeploymentTargetDoesNotExistException
from emulator.codedeploy.traffic import has_test_route
from emulator.context import Context
from emulator.ecs.service_documents import computed_desired, count_tasks, task_sets_of
from emulator.state.codedeploy import CodeDeploymentRow
from emulator.state.ecs import ServiceRow, TaskSetRow
from scheduler.reconcile.code_deploy import EVENTS
from scheduler.reconcile.traffic_shift import Stage

_STATUS = {
    "Created": "Pending",
    "InProgress": "InProgress",
    "Ready": "Ready",
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Stopped": "Failed",
}
_TEST = {EVENTS[Stage.TEST_TRAFFIC_SHIFT], EVENTS[Stage.POST_TEST_TRAFFIC_SHIFT]}
_UNDER_WAY = {"Pending", "InProgress"}


def list_deployment_targets(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The only target: `CLUSTER:SERVICE`."""
    row = find_deployment(context, request.get("deploymentId"))
    wanted = request.get("targetFilters", {}).get("TargetStatus", [])
    return {"targetIds": [_target_id(row)] if not wanted or _STATUS[row.status] in wanted else []}


def _target_id(row: CodeDeploymentRow) -> str:
    return ":".join(row.service_arn.split("/")[1:])


def get_deployment_target(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The target of a deployment."""
    row = find_deployment(context, request.get("deploymentId"))
    return {"deploymentTarget": _target(context, row, request["targetId"])}


def batch_get_deployment_targets(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The targets named."""
    row = find_deployment(context, request.get("deploymentId"))
    return {"deploymentTargets": [_target(context, row, target) for target in request["targetIds"]]}


def _target(context: Context, row: CodeDeploymentRow, target_id: str) -> dict[str, Any]:
    if target_id not in {_target_id(row), row.service_arn}:
        raise DeploymentTargetDoesNotExistException(target_id)
    began = [datetime.fromisoformat(event["start"]) for event in row.progress.get("events", [])]
    instants = [at for at in (*began, row.started_at, row.completed_at, row.created_at) if at is not None]
    return {
        "deploymentTargetType": "ECSTarget",
        "ecsTarget": {
            "deploymentId": row.id,
            "targetId": _target_id(row),
            "targetArn": row.service_arn,
            "lastUpdatedAt": max(instants),
            "lifecycleEvents": _events(row),
            "status": _STATUS[row.status],
            "taskSetsInfo": _task_sets(context, row),
        },
    }


def _events(row: CodeDeploymentRow) -> list[dict[str, Any]]:
    """Every event of the deployment in order; those without a hook pass at once. How AWS shows one is (unconfirmed)."""
    known = {event["name"]: event for event in row.progress.get("events", [])}
    stages = progress.plan(row).stages
    ended = row.status not in progress.ACTIVE
    found = []
    for stage, name in EVENTS.items():
        if stage not in stages:
            continue
        event = known.get(name)
        if event is None:
            found.append({"lifecycleEventName": name, "status": "Skipped" if ended else "Pending"})
            continue
        skipped = name in _TEST and not has_test_route(row.body) and event["status"] == "Succeeded"
        document = {"lifecycleEventName": name, "status": "Skipped" if skipped else event["status"]}
        document["startTime"] = datetime.fromisoformat(event["start"])
        if event["end"] is not None:
            document["endTime"] = datetime.fromisoformat(event["end"])
        if event["message"] is not None:
            document["diagnostics"] = {"errorCode": "UnknownError", "message": event["message"]}
        found.append(document)
    return found


def _task_sets(context: Context, row: CodeDeploymentRow) -> list[dict[str, Any]]:
    """Those of the deployment that still exist."""
    service = context.session.get(ServiceRow, row.service_arn)
    if service is None:
        return []
    told, counts = row.progress, count_tasks(context, [service.arn])
    back = told.get("back", False)
    labels = {told.get("blue"): "Green" if back else "Blue", told.get("green"): "Blue" if back else "Green"}
    percent = told.get("production", 0.0)
    shares = {told.get("green"): percent, told.get("blue"): round(100.0 - percent, 1)}

    def document(item: TaskSetRow) -> dict[str, Any]:
        name = item.body["loadBalancers"][0]["targetGroupArn"].split("/")[1]
        return {
            "identifer": item.id,
            "desiredCount": computed_desired(item, service),
            "pendingCount": counts[service.arn, item.id, False],
            "runningCount": counts[service.arn, item.id, True],
            "status": item.status,
            "trafficWeight": shares[item.id],
            "targetGroup": {"name": name},
            "taskSetLabel": labels[item.id],
        }

    return [document(item) for item in task_sets_of(context, service.arn) if item.id in labels]
