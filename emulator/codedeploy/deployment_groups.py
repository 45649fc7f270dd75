"""Deployment groups: create, update, delete, get, list. What an ECS one must have is in `group_rules`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from emulator.codedeploy.applications import find_application, groups_of
from emulator.codedeploy.deployment_configs import DEFAULT, routing_of
from emulator.codedeploy.errors import (
    DeploymentGroupAlreadyExistsException,
    DeploymentGroupDoesNotExistException,
    ECSServiceMappingLimitExceededException,
)
from emulator.codedeploy.group_rules import checked
from emulator.codedeploy.pages import page
from emulator.context import Context
from emulator.state.codedeploy import CodeDeploymentRow, DeploymentGroupRow

_NAMES = {"applicationName", "deploymentGroupName", "currentDeploymentGroupName", "newDeploymentGroupName", "tags"}


def create_deployment_group(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Create a group. One of the platform Server or Lambda is kept and shown; only ECS is deployed to."""
    application = find_application(context, request["applicationName"])
    name = request["deploymentGroupName"]
    if _group(context, application.name, name) is not None:
        raise DeploymentGroupAlreadyExistsException(name)
    body = _body(context, application.platform, {}, request)
    _check_service(context, body, None)
    row = DeploymentGroupRow(
        account=context.account,
        region=context.region,
        application=application.name,
        name=name,
        id=context.emulator.ids.uuid(),
        body=body,
        tags=[dict(tag) for tag in request.get("tags", [])],
    )
    context.session.add(row)
    return {"deploymentGroupId": row.id}


def _body(context: Context, platform: str, before: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    given = {member: value for member, value in request.items() if member not in _NAMES}
    body = {**before, **given, "computePlatform": platform}
    if platform == "ECS":
        body.setdefault("deploymentConfigName", DEFAULT)
        routing_of(context, body["deploymentConfigName"])
        return checked(body)
    body.setdefault("deploymentConfigName", "CodeDeployDefault.OneAtATime")
    return body


def _check_service(context: Context, body: Mapping[str, Any], own: str | None) -> None:
    """An ECS service belongs to one group only."""
    for service in body.get("ecsServices", []):
        rows = context.session.scalars(
            select(DeploymentGroupRow).where(
                DeploymentGroupRow.account == context.account, DeploymentGroupRow.region == context.region
            )
        )
        for row in rows:
            if row.id != own and service in row.body.get("ecsServices", []):
                # (unconfirmed) text
                raise ECSServiceMappingLimitExceededException(
                    f"The ECS service {service['serviceName']} belongs to the deployment group {row.name} already."
                )


def _group(context: Context, application: str, name: str) -> DeploymentGroupRow | None:
    return context.session.get(DeploymentGroupRow, (context.account, context.region, application, name))


def find_group(context: Context, application: str, name: str) -> DeploymentGroupRow:
    """The group called so.

    Raises:
        ApplicationDoesNotExistException: there is no such application.
        DeploymentGroupDoesNotExistException: it has no such group.

    """
    row = _group(context, find_application(context, application).name, name)
    if row is None:
        raise DeploymentGroupDoesNotExistException(name)
    return row


def update_deployment_group(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Change what is given; deployments under way go on as they began."""
    row = find_group(context, request["applicationName"], request["currentDeploymentGroupName"])
    body = _body(context, row.body["computePlatform"], row.body, request)
    _check_service(context, body, row.id)
    name = request.get("newDeploymentGroupName", row.name)
    if name != row.name:
        if _group(context, row.application, name) is not None:
            raise DeploymentGroupAlreadyExistsException(name)
        context.session.execute(
            update(CodeDeploymentRow)
            .where(
                CodeDeploymentRow.account == row.account,
                CodeDeploymentRow.region == row.region,
                CodeDeploymentRow.application == row.application,
                CodeDeploymentRow.group_name == row.name,
            )
            .values(group_name=name)
        )
        row.name = name
    row.body = body
    return {"hooksNotCleanedUp": []}


def delete_deployment_group(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Delete a group; one that is not there is no mistake (unconfirmed)."""
    row = _group(context, request["applicationName"], request["deploymentGroupName"])
    if row is not None:
        context.session.delete(row)
    return {"hooksNotCleanedUp": []}


def get_deployment_group(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """One group."""
    row = find_group(context, request["applicationName"], request["deploymentGroupName"])
    return {"deploymentGroupInfo": _describe(context, row)}


def batch_get_deployment_groups(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Several groups; every one must be there."""
    rows = [find_group(context, request["applicationName"], name) for name in request["deploymentGroupNames"]]
    return {"deploymentGroupsInfo": [_describe(context, row) for row in rows]}


def list_deployment_groups(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of an application's groups."""
    application = find_application(context, request["applicationName"]).name
    names = [row.name for row in groups_of(context, application)]
    return {"applicationName": application, **page("deploymentGroups", names, request.get("nextToken"))}


def _describe(context: Context, row: DeploymentGroupRow) -> dict[str, Any]:
    document = {
        "applicationName": row.application,
        "deploymentGroupId": row.id,
        "deploymentGroupName": row.name,
        **row.body,
    }
    newest = select(CodeDeploymentRow).where(
        CodeDeploymentRow.account == row.account,
        CodeDeploymentRow.region == row.region,
        CodeDeploymentRow.application == row.application,
        CodeDeploymentRow.group_name == row.name,
    )
    newest = newest.order_by(CodeDeploymentRow.sequence.desc()).limit(1)
    tried = context.session.scalars(newest).first()
    done = context.session.scalars(newest.where(CodeDeploymentRow.status == "Succeeded")).first()
    if tried is not None:
        document["lastAttemptedDeployment"] = _brief(tried)
    if done is not None:
        document |= {"lastSuccessfulDeployment": _brief(done), "targetRevision": done.body["revision"]}
    return document


def _brief(row: CodeDeploymentRow) -> dict[str, Any]:
    end = {} if row.completed_at is None else {"endTime": row.completed_at}
    return {"deploymentId": row.id, "status": row.status, "createTime": row.created_at, **end}
