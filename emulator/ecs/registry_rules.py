"""What `serviceRegistries` may ask for (reference: model, ServiceRegistry). Texts but the first one are (unconfirmed)."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException, UnsupportedFeatureException
from emulator.state.ecs import TaskDefinitionRow

_PAIR = ("containerName", "containerPort")


def check_registries(context: Context, body: Mapping[str, Any], definition: TaskDefinitionRow | None) -> None:
    """Raise where the service could not be found as it asks.

    Raises:
        InvalidParameterException: something does not go together or does not exist.
        UnsupportedFeatureException: the deployments are carried out by somebody else.

    """
    items: Sequence[Mapping[str, Any]] = body.get("serviceRegistries", [])
    if not items:
        return
    if definition is None or body["deploymentController"]["type"] != "ECS":
        raise UnsupportedFeatureException(
            "Not emulated: serviceRegistries with another deployment controller than ECS."
        )
    if len(items) > 1:
        raise InvalidParameterException("A service can have at most one service registry.")
    _check(context, items[0], definition)


def _check(context: Context, item: Mapping[str, Any], definition: TaskDefinitionRow) -> None:
    discovery = context.emulator.discovery
    arn = item.get("registryArn", "")
    registry = None if discovery is None else discovery.registry(context.account, context.region, arn)
    if registry is None:
        raise InvalidParameterException(f"The service registry {arn} does not exist.")
    given = [member for member in _PAIR if item.get(member) is not None]
    if definition.body.get("networkMode", "bridge") != "awsvpc":
        if len(given) < len(_PAIR):
            raise InvalidParameterException(
                "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' "
                f"must be specified from the task definition. Registry: {arn}"
            )
        if registry.record_types - {"SRV"}:
            raise InvalidParameterException(
                f"When specifying 'host' or 'bridge' for networkMode, the DNS record must be of type SRV. Registry: {arn}"
            )
    elif "SRV" in registry.record_types and (len(given) == len(_PAIR)) == (item.get("port") is not None):
        raise InvalidParameterException(
            f"For an SRV record, either 'containerName' and 'containerPort' or 'port' must be specified. Registry: {arn}"
        )
    if given:
        _check_port(item, definition)


def _check_port(item: Mapping[str, Any], definition: TaskDefinitionRow) -> None:
    name, port = item.get("containerName", ""), item.get("containerPort")
    containers = {container["name"]: container for container in definition.body["containerDefinitions"]}
    if name not in containers:
        raise InvalidParameterException(f"The container {name} does not exist in the task definition.")
    if all(mapping["containerPort"] != port for mapping in containers[name]["portMappings"]):
        raise InvalidParameterException(f"The container {name} did not have a container port {port} defined.")
