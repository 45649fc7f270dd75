"""The AppSpec of an ECS deployment, from YAML or JSON to what a task set is made of.

Keys are taken without regard to case: the guide writes `TaskDefinition`, `aws ecs deploy` understands `taskDefinition`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import yaml

_HOOKS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")


class AppSpecError(Exception):
    """The document is not an AppSpec of an ECS deployment; the text says why. Texts are (unconfirmed)."""


@dataclass(frozen=True, slots=True)
class AppSpec:
    """What an AppSpec asks for."""

    task_definition: str
    container: str
    port: int
    members: Mapping[str, Any]
    """platformVersion, networkConfiguration and capacityProviderStrategy, as CreateTaskSet takes them."""
    hooks: Mapping[str, str]
    """Lifecycle event → the Lambda function's name or ARN."""


def check_digest(content: str, digest: str | None) -> None:
    """Raise where the content is not what its SHA-256 says."""
    if digest and sha256(content.encode()).hexdigest() != digest.lower():
        raise AppSpecError("The sha256 of the AppSpec content is not the one given.")


def parse_appspec(content: str) -> AppSpec:
    """Read the document. JSON is YAML, too.

    Raises:
        AppSpecError: something is missing or has another form.

    """
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise AppSpecError("The AppSpec file is neither YAML nor JSON.") from error
    root = _keys(document, "The AppSpec file")
    if str(root.get("version")) not in {"0", "0.0"}:
        raise AppSpecError("The AppSpec file's version must be 0.0.")
    service = _service(root.get("resources"))
    balancer = _keys(service.get("loadbalancerinfo"), "LoadBalancerInfo")
    port = balancer.get("containerport")
    if not isinstance(port, int | str) or not str(port).isdigit():
        raise AppSpecError("LoadBalancerInfo must have a ContainerPort.")
    return AppSpec(
        _text(service.get("taskdefinition"), "TaskDefinition"),
        _text(balancer.get("containername"), "ContainerName"),
        int(port),
        _members(service),
        _hooks(root.get("hooks")),
    )


def _service(resources: object) -> dict[str, Any]:
    items = resources if isinstance(resources, list) else [resources]
    if len(items) != 1:
        raise AppSpecError("Resources must name exactly one service.")
    named = _keys(items[0], "Resources")
    if len(named) != 1:
        raise AppSpecError("Resources must name exactly one service.")
    target = _keys(next(iter(named.values())), "The target service")
    if target.get("type") != "AWS::ECS::Service":
        raise AppSpecError("The type of the target service must be AWS::ECS::Service.")
    return _keys(target.get("properties"), "Properties")


def _members(service: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if service.get("platformversion"):
        found["platformVersion"] = str(service["platformversion"])
    if service.get("networkconfiguration"):
        network = _keys(service["networkconfiguration"], "NetworkConfiguration")
        given = _keys(network.get("awsvpcconfiguration"), "AwsvpcConfiguration")
        names = {"subnets": "subnets", "securitygroups": "securityGroups", "assignpublicip": "assignPublicIp"}
        shown = {name: given[key] for key, name in names.items() if given.get(key)}
        found["networkConfiguration"] = {"awsvpcConfiguration": shown}
    if service.get("capacityproviderstrategy"):
        names = {"capacityprovider": "capacityProvider", "base": "base", "weight": "weight"}
        items = [_keys(item, "CapacityProviderStrategy") for item in service["capacityproviderstrategy"]]
        found["capacityProviderStrategy"] = [
            {name: item[key] for key, name in names.items() if key in item} for item in items
        ]
    return found


def _hooks(document: object) -> dict[str, str]:
    if not document:
        return {}
    known = {event.lower(): event for event in _HOOKS}
    found: dict[str, str] = {}
    for item in document if isinstance(document, list) else [document]:
        for key, function in _keys(item, "Hooks").items():
            if key not in known:
                raise AppSpecError(f"{key} is not a lifecycle event that has hooks in an ECS deployment.")
            found[known[key]] = _text(function, known[key])
    return found


def _keys(document: object, what: str) -> dict[str, Any]:
    """The mapping with its keys in small letters."""
    if not isinstance(document, Mapping):
        raise AppSpecError(f"{what} is missing or has another form than CodeDeploy's.")
    return {str(key).lower(): value for key, value in document.items()}


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise AppSpecError(f"{what} is missing.")
    return value
