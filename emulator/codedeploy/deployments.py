"""Deployments: create, stop, continue, report. What they ask for is carried out by the loop `codedeploy`.

A row's `body`: `revision`, `appspec`, `routing`, the group's settings as they were (with what the request overrides), and
`creator`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from emulator.codedeploy import progress
from emulator.codedeploy.deployment_configs import routing_of
from emulator.codedeploy.deployment_groups import find_group
from emulator.codedeploy.errors import (
    DeploymentAlreadyCompletedException,
    DeploymentDoesNotExistException,
    DeploymentGroupNameRequiredException,
    DeploymentIdRequiredException,
    DeploymentIsNotInReadyStateException,
    DeploymentLimitExceededException,
    InvalidLifecycleEventHookExecutionIdException,
    InvalidLifecycleEventHookExecutionStatusException,
    LifecycleEventAlreadyCompletedException,
    OperationNotSupportedException,
    UnsupportedActionForDeploymentTypeException,
)
from emulator.codedeploy.revisions import read_revision
from emulator.codedeploy.rollbacks import new_id, next_sequence
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.codedeploy import CodeDeploymentRow, DeploymentGroupRow
from scheduler.reconcile.traffic_shift import Stage

_SETTINGS = (
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "deploymentStyle",
    "ecsServices",
    "alarmConfiguration",
    "autoRollbackConfiguration",
)


def create_deployment(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Want a revision deployed to the ECS service of a group."""
    if not request.get("deploymentGroupName"):
        raise DeploymentGroupNameRequiredException
    group = find_group(context, request["applicationName"], request["deploymentGroupName"])
    if group.body["computePlatform"] != "ECS":
        raise OperationNotSupportedException(
            f"Not emulated yet: deployments to the compute platform {group.body['computePlatform']}."
        )
    _check_alone(context, group)
    config = request.get("deploymentConfigName") or group.body["deploymentConfigName"]
    settings = {member: group.body[member] for member in _SETTINGS}
    if request.get("overrideAlarmConfiguration"):
        given = request["overrideAlarmConfiguration"]
        settings["alarmConfiguration"] = {"enabled": False, "ignorePollAlarmFailure": False, "alarms": [], **given}
        settings["overrideAlarmConfiguration"] = given
    if request.get("autoRollbackConfiguration"):
        given = request["autoRollbackConfiguration"]
        settings["autoRollbackConfiguration"] = {"enabled": False, "events": [], **given}
    revision = request.get("revision")
    body = {
        **settings,
        "revision": revision,
        "appspec": asdict(read_revision(context, revision)),
        "deploymentConfigName": config,
        "routing": asdict(routing_of(context, config)),
        "creator": "user",
        "description": request.get("description"),
    }
    service = group.body["ecsServices"][0]
    row = CodeDeploymentRow(
        id=new_id(context),
        account=context.account,
        region=context.region,
        application=group.application,
        group_name=group.name,
        sequence=next_sequence(context),
        service_arn=context.arn("ecs", f"service/{service['clusterName']}/{service['serviceName']}"),
        status="Created",
        body=body,
        progress={},
        error=None,
        created_at=context.now,
        started_at=None,
        completed_at=None,
    )
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, row.service_arn, {"codeDeployment": row.id, "status": row.status})
    context.wake("codedeploy", row.service_arn)
    return {"deploymentId": row.id}


def _check_alone(context: Context, group: DeploymentGroupRow) -> None:
    active = context.session.scalars(
        select(CodeDeploymentRow.id).where(
            CodeDeploymentRow.account == group.account,
            CodeDeploymentRow.region == group.region,
            CodeDeploymentRow.application == group.application,
            CodeDeploymentRow.group_name == group.name,
            CodeDeploymentRow.status.in_(progress.ACTIVE),
        )
    ).first()
    if active is not None:
        raise DeploymentLimitExceededException(group.name, active)


def find_deployment(context: Context, deployment_id: str | None) -> CodeDeploymentRow:
    """The deployment of that id.

    Raises:
        DeploymentIdRequiredException: there is no id.
        DeploymentDoesNotExistException: there is none in this account and region.

    """
    if not deployment_id:
        raise DeploymentIdRequiredException
    row = context.session.get(CodeDeploymentRow, deployment_id)
    if row is None or (row.account, row.region) != (context.account, context.region):
        raise DeploymentDoesNotExistException(deployment_id)
    return row


def _active(context: Context, deployment_id: str | None) -> CodeDeploymentRow:
    row = find_deployment(context, deployment_id)
    if row.status not in progress.ACTIVE:
        raise DeploymentAlreadyCompletedException(row.id)
    return row


def stop_deployment(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Want a deployment stopped, and perhaps gone back from."""
    row = _active(context, request["deploymentId"])
    if row.progress.get("back"):  # (unconfirmed) text
        raise UnsupportedActionForDeploymentTypeException("A deployment that rolls another one back cannot be stopped.")
    if row.progress.get("stage") == Stage.CLEAN_UP:
        raise DeploymentAlreadyCompletedException(row.id)
    message = f"Deployment {row.id} was stopped by {context.principal}."  # (unconfirmed) text
    progress.note(row, stop={"message": message, "back": request.get("autoRollbackEnabled")})
    context.wake("codedeploy", row.service_arn)
    return {"status": "Pending"}


def continue_deployment(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """End a wait: for production traffic to move (READY_WAIT), or for the original task set's termination."""
    row = _active(context, request.get("deploymentId"))
    if request.get("deploymentWaitType", "READY_WAIT") == "TERMINATION_WAIT":
        return skip_wait_time_for_instance_termination(context, request)
    if row.status != "Ready":  # (unconfirmed) text
        raise DeploymentIsNotInReadyStateException(f"The deployment {row.id} does not wait to be continued.")
    progress.note(row, approved=True)
    context.wake("codedeploy", row.service_arn)
    return {}


def skip_wait_time_for_instance_termination(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """End the wait for the original task set's termination."""
    row = _active(context, request.get("deploymentId"))
    if row.progress.get("stage") != Stage.BAKE_TIME:  # (unconfirmed) text
        raise DeploymentIsNotInReadyStateException(f"The deployment {row.id} does not wait for a termination.")
    progress.note(row, skips=True)
    context.wake("codedeploy", row.service_arn)
    return {}


def put_lifecycle_event_hook_execution_status(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a hook's function reports: Succeeded or Failed."""
    row = find_deployment(context, request.get("deploymentId"))
    hook_id, status = request.get("lifecycleEventHookExecutionId", ""), request.get("status")
    if status not in {"Succeeded", "Failed"}:  # (unconfirmed) text
        raise InvalidLifecycleEventHookExecutionStatusException("The status must be Succeeded or Failed.")
    hook = row.progress.get("hook")
    if hook is None or hook["id"] != hook_id:  # (unconfirmed) text
        raise InvalidLifecycleEventHookExecutionIdException(f"No lifecycle event hook waits under the id {hook_id}.")
    if hook["status"] != "Pending":  # (unconfirmed) text
        raise LifecycleEventAlreadyCompletedException(f"The lifecycle event hook {hook_id} has reported already.")
    progress.change_hook(row, hook_id, status=status)
    context.wake("codedeploy", row.service_arn)
    return {"lifecycleEventHookExecutionId": hook_id}
