"""What a deployment group of the platform ECS must have, and what CodeDeploy adds. Texts are (unconfirmed)."""

from collections.abc import Mapping
from typing import Any

from emulator.codedeploy.errors import (
    InvalidAlarmConfigException,
    InvalidAutoRollbackConfigException,
    InvalidBlueGreenDeploymentConfigurationException,
    InvalidDeploymentStyleException,
    InvalidECSServiceException,
    InvalidLoadBalancerInfoException,
    InvalidTargetGroupPairException,
)

_MOST_MINUTES = 2880
_STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
_PAIR = 2


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with CodeDeploy's defaults.

    Raises:
        AwsError: something is missing or does not go together.

    """
    style = {**_STYLE, **body.get("deploymentStyle", {})}
    if style != _STYLE:
        raise InvalidDeploymentStyleException(
            "For ECS deployment group, deployment style must be BLUE_GREEN and WITH_TRAFFIC_CONTROL."
        )
    services = body.get("ecsServices", [])
    if len(services) != 1 or not services[0].get("serviceName") or not services[0].get("clusterName"):
        raise InvalidECSServiceException("For ECS deployment group, ecsServices must name one service and its cluster.")
    _check_pairs(body.get("loadBalancerInfo", {}))
    return {
        **body,
        "deploymentStyle": style,
        "blueGreenDeploymentConfiguration": _blue_green(body.get("blueGreenDeploymentConfiguration", {})),
        "alarmConfiguration": _alarms(body.get("alarmConfiguration")),
        "autoRollbackConfiguration": _rollback(body.get("autoRollbackConfiguration")),
        "outdatedInstancesStrategy": body.get("outdatedInstancesStrategy", "UPDATE"),
    }


def _check_pairs(document: Mapping[str, Any]) -> None:
    pairs = document.get("targetGroupPairInfoList", [])
    if len(pairs) != 1:
        raise InvalidLoadBalancerInfoException("For ECS deployment group, one targetGroupPairInfo must be specified.")
    names = {group.get("name") for group in pairs[0].get("targetGroups", [])} - {None, ""}
    if len(names) != _PAIR:
        raise InvalidTargetGroupPairException("A target group pair must have two target groups.")
    routes = {
        member: pairs[0].get(member, {}).get("listenerArns", []) for member in ("prodTrafficRoute", "testTrafficRoute")
    }
    if len(routes["prodTrafficRoute"]) != 1 or len(routes["testTrafficRoute"]) > 1:
        raise InvalidTargetGroupPairException("A traffic route must have exactly one listener.")
    if routes["prodTrafficRoute"] == routes["testTrafficRoute"]:
        raise InvalidTargetGroupPairException("Production and test traffic must have different listeners.")


def _blue_green(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is not said: traffic moves at once, and the original task set goes at once (unconfirmed)."""
    ready = {
        "actionOnTimeout": "CONTINUE_DEPLOYMENT",
        "waitTimeInMinutes": 0,
        **document.get("deploymentReadyOption", {}),
    }
    ended = {"action": "TERMINATE", **document.get("terminateBlueInstancesOnDeploymentSuccess", {})}
    ended.setdefault("terminationWaitTimeInMinutes", 0)
    for minutes in (ready["waitTimeInMinutes"], ended["terminationWaitTimeInMinutes"]):
        if not 0 <= minutes <= _MOST_MINUTES:
            raise InvalidBlueGreenDeploymentConfigurationException(
                f"Wait times must be between 0 and {_MOST_MINUTES} minutes."
            )
    if document.get("greenFleetProvisioningOption"):
        raise InvalidBlueGreenDeploymentConfigurationException(
            "For ECS deployment group, greenFleetProvisioningOption can not be specified."
        )
    return {"terminateBlueInstancesOnDeploymentSuccess": ended, "deploymentReadyOption": ready}


def _alarms(document: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {"enabled": False, "ignorePollAlarmFailure": False, "alarms": [], **(document or {})}
    if found["enabled"] and not found["alarms"]:
        raise InvalidAlarmConfigException("Alarms must be specified where the alarm configuration is enabled.")
    return found


def _rollback(document: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {"enabled": False, "events": [], **(document or {})}
    if found["enabled"] and not found["events"]:
        raise InvalidAutoRollbackConfigException("Events must be specified where automatic rollback is enabled.")
    return found
