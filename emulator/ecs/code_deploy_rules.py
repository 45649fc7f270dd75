"""What a service with the CODE_DEPLOY controller cannot ask for. Texts marked so are (unconfirmed)."""

from collections.abc import Mapping
from typing import Any

from emulator.ecs.errors import InvalidParameterException

_CONTROLLED = "on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment."
_NOT_BY_UPDATE = {
    "taskDefinition": "task definition",
    "networkConfiguration": "network parameters",
    "platformVersion": "platform version",
    "loadBalancers": "load balancers",
    "serviceRegistries": "service registries",
    "serviceConnectConfiguration": "Service Connect",
    "capacityProviderStrategy": "capacity provider strategy",
}
"""Of these the first text is AWS's, the second as users report it; the others are by analogy (unconfirmed)."""


def check_code_deploy(request: Mapping[str, Any]) -> None:
    """Raise where a new service asks for what CodeDeploy does not deploy."""
    if len(request.get("loadBalancers", [])) != 1:  # (unconfirmed) text
        raise InvalidParameterException(
            "A service with a CODE_DEPLOY deployment controller must have exactly one load balancer."
        )
    if "advancedConfiguration" in request["loadBalancers"][0]:  # (unconfirmed) text
        raise InvalidParameterException(
            "advancedConfiguration is not supported with a CODE_DEPLOY deployment controller."
        )
    _check_configuration(request)


def check_code_deploy_change(request: Mapping[str, Any]) -> None:
    """Raise where UpdateService would change what only a deployment of CodeDeploy changes."""
    for member, words in _NOT_BY_UPDATE.items():
        if request.get(member):
            raise InvalidParameterException(f"Unable to update {words} {_CONTROLLED}")
    if request.get("forceNewDeployment"):
        raise InvalidParameterException(f"Cannot force a new deployment {_CONTROLLED}")
    _check_configuration(request)


def _check_configuration(request: Mapping[str, Any]) -> None:
    """The circuit breaker, alarms and strategies are the ECS controller's; texts (unconfirmed)."""
    configuration = request.get("deploymentConfiguration", {})
    asked = {
        "deploymentCircuitBreaker": configuration.get("deploymentCircuitBreaker", {}).get("enable"),
        "alarms": configuration.get("alarms", {}).get("enable"),
        "strategy": configuration.get("strategy", "ROLLING") != "ROLLING",
    }
    for member, wanted in asked.items():
        if wanted:
            raise InvalidParameterException(f"{member} is not supported with a CODE_DEPLOY deployment controller.")
