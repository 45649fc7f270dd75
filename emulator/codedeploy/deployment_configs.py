"""Deployment configurations: how production traffic moves. CodeDeploy's own for ECS, and those that users make."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from emulator.codedeploy.errors import (
    DeploymentConfigAlreadyExistsException,
    DeploymentConfigDoesNotExistException,
    DeploymentConfigInUseException,
    InvalidMinimumHealthyHostValueException,
    InvalidTrafficRoutingConfigurationException,
)
from emulator.codedeploy.pages import page
from emulator.context import Context
from emulator.state.codedeploy import DeploymentConfigRow, DeploymentGroupRow
from scheduler.reconcile.code_deploy import Routing

DEFAULT = "CodeDeployDefault.ECSAllAtOnce"
_PREFIX = "CodeDeployDefault."
_MOST_MINUTES = 2880
_MADE = datetime(2018, 11, 27, tzinfo=UTC)
"""When CodeDeploy learned to deploy to ECS; the instant that it shows is (unconfirmed)."""


def _canary(minutes: int) -> dict[str, Any]:
    return {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": minutes}}


def _linear(minutes: int) -> dict[str, Any]:
    return {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 10, "linearInterval": minutes}}


_OWN: Mapping[str, dict[str, Any]] = {
    DEFAULT: {"type": "AllAtOnce"},
    f"{_PREFIX}ECSCanary10Percent15Minutes": _canary(15),
    f"{_PREFIX}ECSCanary10Percent5Minutes": _canary(5),
    f"{_PREFIX}ECSLinear10PercentEvery1Minutes": _linear(1),
    f"{_PREFIX}ECSLinear10PercentEvery3Minutes": _linear(3),
}


def routing_of(context: Context, name: str) -> Routing:
    """How a configuration moves production traffic.

    Raises:
        DeploymentConfigDoesNotExistException: there is none of that name for ECS.

    """
    document = _document(context, name)
    routing = document.get("trafficRoutingConfig")
    if document["computePlatform"] != "ECS" or routing is None:
        raise DeploymentConfigDoesNotExistException(name)
    return read_routing(routing)


def read_routing(document: Mapping[str, Any]) -> Routing:
    """A `trafficRoutingConfig` as a value."""
    match document["type"]:
        case "TimeBasedCanary":
            given = document["timeBasedCanary"]
            return Routing(document["type"], float(given["canaryPercentage"]), float(given["canaryInterval"]))
        case "TimeBasedLinear":
            given = document["timeBasedLinear"]
            return Routing(document["type"], float(given["linearPercentage"]), float(given["linearInterval"]))
        case _:
            return Routing()


def _row(context: Context, name: str) -> DeploymentConfigRow | None:
    return context.session.get(DeploymentConfigRow, (context.account, context.region, name))


def _document(context: Context, name: str) -> dict[str, Any]:
    if name in _OWN:
        identity = {"deploymentConfigName": name, "createTime": _MADE, "computePlatform": "ECS"}
        return {**identity, "trafficRoutingConfig": _OWN[name]}
    row = _row(context, name)
    if row is None:
        raise DeploymentConfigDoesNotExistException(name)
    return {**row.body, "deploymentConfigId": row.id, "deploymentConfigName": name, "createTime": row.created_at}


def create_deployment_config(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a configuration; those of the platform Server are kept, though nothing is deployed by them here."""
    name, platform = request["deploymentConfigName"], request.get("computePlatform", "Server")
    if name.startswith(_PREFIX) or _row(context, name) is not None:
        raise DeploymentConfigAlreadyExistsException(name)
    if platform == "Server":
        if "minimumHealthyHosts" not in request:  # (unconfirmed) text
            raise InvalidMinimumHealthyHostValueException("minimumHealthyHosts must be specified.")
    elif "minimumHealthyHosts" in request:  # (unconfirmed) text
        raise InvalidMinimumHealthyHostValueException(f"minimumHealthyHosts is not for the platform {platform}.")
    else:
        _check_routing(request.get("trafficRoutingConfig", {}))
    members = ("minimumHealthyHosts", "trafficRoutingConfig", "zonalConfig")
    row = DeploymentConfigRow(
        account=context.account,
        region=context.region,
        name=name,
        id=context.emulator.ids.uuid(),
        body={"computePlatform": platform, **{member: request[member] for member in members if member in request}},
        created_at=context.now,
    )
    context.session.add(row)
    return {"deploymentConfigId": row.id}


def _check_routing(document: Mapping[str, Any]) -> None:
    """Bounds are the guide's: 1 to 99 percent, intervals of 1 to 2880 minutes (both unconfirmed)."""
    kind = document.get("type")
    if kind == "AllAtOnce":
        return
    name = {"TimeBasedCanary": "canary", "TimeBasedLinear": "linear"}.get(str(kind), "")
    given = document.get(f"timeBased{name.capitalize()}", {}) if name else {}
    percent, minutes = given.get(f"{name}Percentage", 0), given.get(f"{name}Interval", 0)
    if not 1 <= percent <= 99 or not 1 <= minutes <= _MOST_MINUTES:
        # (unconfirmed) text
        raise InvalidTrafficRoutingConfigurationException(
            f"The traffic routing needs a percentage of 1 to 99 and an interval of 1 to {_MOST_MINUTES} minutes."
        )


def get_deployment_config(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """One configuration."""
    return {"deploymentConfigInfo": _document(context, request["deploymentConfigName"])}


def list_deployment_configs(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of the names: CodeDeploy's own for ECS, then those that users made."""
    rows = context.session.scalars(
        select(DeploymentConfigRow.name)
        .where(DeploymentConfigRow.account == context.account, DeploymentConfigRow.region == context.region)
        .order_by(DeploymentConfigRow.name)
    )
    return page("deploymentConfigsList", [*_OWN, *rows], request.get("nextToken"))


def delete_deployment_config(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Delete a configuration that no group uses; one that is not there is no mistake (unconfirmed)."""
    name = request["deploymentConfigName"]
    groups = context.session.scalars(
        select(DeploymentGroupRow).where(
            DeploymentGroupRow.account == context.account, DeploymentGroupRow.region == context.region
        )
    )
    if any(group.body["deploymentConfigName"] == name for group in groups):
        # (unconfirmed) text
        raise DeploymentConfigInUseException(f"The deployment configuration {name} is in use.")
    row = _row(context, name)
    if row is not None:
        context.session.delete(row)
    return {}
