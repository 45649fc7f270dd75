"""Applications: create, update, delete, get, list."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from emulator.codedeploy.errors import ApplicationAlreadyExistsException, ApplicationDoesNotExistException
from emulator.codedeploy.pages import page
from emulator.context import Context
from emulator.state.codedeploy import ApplicationRow, CodeDeploymentRow, DeploymentGroupRow


def create_application(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Create an application; of the platform Server unless told otherwise."""
    name = request["applicationName"]
    if _application(context, name) is not None:
        raise ApplicationAlreadyExistsException(name)
    row = ApplicationRow(
        account=context.account,
        region=context.region,
        name=name,
        id=context.emulator.ids.uuid(),
        platform=request.get("computePlatform", "Server"),
        created_at=context.now,
        tags=[dict(tag) for tag in request.get("tags", [])],
    )
    context.session.add(row)
    return {"applicationId": row.id}


def _application(context: Context, name: str) -> ApplicationRow | None:
    return context.session.get(ApplicationRow, (context.account, context.region, name))


def find_application(context: Context, name: str) -> ApplicationRow:
    """The application called so.

    Raises:
        ApplicationDoesNotExistException: there is none.

    """
    row = _application(context, name)
    if row is None:
        raise ApplicationDoesNotExistException(name)
    return row


def update_application(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give an application another name; its groups and deployments follow."""
    row = find_application(context, request.get("applicationName", ""))
    name = request.get("newApplicationName", row.name)
    if name == row.name:
        return {}
    if _application(context, name) is not None:
        raise ApplicationAlreadyExistsException(name)
    for table in (DeploymentGroupRow, CodeDeploymentRow):
        context.session.execute(
            update(table)
            .where(table.account == row.account, table.region == row.region, table.application == row.name)
            .values(application=name)
        )
    row.name = name
    return {}


def delete_application(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Delete an application with its groups; one that is not there is no mistake (unconfirmed)."""
    row = _application(context, request["applicationName"])
    if row is not None:
        for group in groups_of(context, row.name):
            context.session.delete(group)
        context.session.delete(row)
    return {}


def groups_of(context: Context, application: str) -> list[DeploymentGroupRow]:
    """The deployment groups of an application, by name."""
    statement = select(DeploymentGroupRow).where(
        DeploymentGroupRow.account == context.account,
        DeploymentGroupRow.region == context.region,
        DeploymentGroupRow.application == application,
    )
    return list(context.session.scalars(statement.order_by(DeploymentGroupRow.name)))


def get_application(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """One application."""
    return {"application": _describe(find_application(context, request["applicationName"]))}


def batch_get_applications(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Several applications; every one must be there."""
    names = request["applicationNames"]
    return {"applicationsInfo": [_describe(find_application(context, name)) for name in names]}


def _describe(row: ApplicationRow) -> dict[str, Any]:
    return {
        "applicationId": row.id,
        "applicationName": row.name,
        "createTime": row.created_at,
        "linkedToGitHub": False,
        "computePlatform": row.platform,
    }


def list_applications(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of the names."""
    rows = context.session.scalars(
        select(ApplicationRow.name)
        .where(ApplicationRow.account == context.account, ApplicationRow.region == context.region)
        .order_by(ApplicationRow.name)
    )
    return page("applications", list(rows), request.get("nextToken"))
