"""What a service may ask for, ECS's defaults, and what is not emulated yet: an explicit error, never a silent omission.

Messages of checks that the reference does not quote are (unconfirmed).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.context import Context
from emulator.ecs.cluster_capacity_providers import chosen_strategy, launch_type_of_strategy
from emulator.ecs.daemon_rules import NO_PROVIDERS
from emulator.ecs.deployment_rules import deployment_configuration
from emulator.ecs.errors import (
    ClientException,
    InvalidParameterException,
    UnsupportedFeatureException,
)
from emulator.ecs.launch import LaunchRequest, subnets_of
from emulator.ecs.launch_rules import network_of, platform_of, rules_for_hosts
from emulator.ecs.load_balancer_rules import check_load_balancers
from emulator.ecs.placement_rules import constraints_of, shown_strategies, strategies_of
from emulator.ecs.task_definitions import find_task_definition
from emulator.ecs.tasks import check_compatible
from emulator.ecs.zone_balance import may_rebalance
from emulator.state.ecs import ClusterRow, TaskDefinitionRow

_NOT_YET = (
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "monitoring",
    "role",
)
_LISTS = ("loadBalancers", "gatewayConnectors", "serviceRegistries")
_PROPAGATE = ("TASK_DEFINITION", "SERVICE", "NONE")
_MOST_SECONDS = 2**31 - 1


def refuse_unsupported(context: Context, request: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> None:
    """Raise where the request asks for what would not be carried out; `body` is of the service that is to change.

    Raises:
        UnsupportedFeatureException: it names everything that is not emulated yet.

    """
    asked = [member for member in _NOT_YET if request.get(member)]
    if request.get("loadBalancers") and context.emulator.balancer is None:
        asked.append("loadBalancers")
    if body is not None and "deploymentController" in request:
        asked += ["another deploymentController"] * (controller_of(request) != controller_of(body))
    if asked:
        raise UnsupportedFeatureException(f"Not emulated yet: {', '.join(asked)}.")


def refuse_managed_members(body: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Load balancers and deployment strategy of an Express service are ECS's own; text (unconfirmed).

    Raises:
        InvalidParameterException: an UpdateService call would change them.

    """
    if body.get("resourceManagementType") != "ECS":
        return
    strategy = request.get("deploymentConfiguration", {}).get("strategy", body["deploymentConfiguration"]["strategy"])
    if (
        request.keys() & {"loadBalancers", "gatewayConnectors"}
        or strategy != body["deploymentConfiguration"]["strategy"]
    ):
        raise InvalidParameterException(
            "loadBalancers, gatewayConnectors and the deployment strategy of an Express service cannot be updated."
        )


def controller_of(request: Mapping[str, Any]) -> str:
    """Who carries deployments out: ECS, CODE_DEPLOY or EXTERNAL."""
    return str(request.get("deploymentController", {}).get("type", "ECS"))


def check_external(request: Mapping[str, Any], refused: Sequence[str]) -> None:
    """What belongs to the task sets of a service with the EXTERNAL controller is not the service's; text (unconfirmed)."""
    for member in refused:
        if request.get(member):
            raise InvalidParameterException(
                f"{member} is not supported on services with an EXTERNAL deployment controller."
            )


def launch_type_of(cluster: ClusterRow, request: Mapping[str, Any]) -> str:
    """EC2 or FARGATE.

    Raises:
        ClientException: no such launch type.
        InvalidParameterException: given beside a capacity provider strategy.
        UnsupportedFeatureException: one that is not emulated yet.

    """
    asked = request.get("launchType")
    strategy = chosen_strategy(cluster, request)
    if strategy:
        return launch_type_of_strategy(strategy)
    if asked in {"EXTERNAL", "MANAGED_INSTANCES"}:
        raise UnsupportedFeatureException(f"Not emulated yet: services with launch type {asked}.")
    if asked not in {None, "EC2", "FARGATE"}:
        raise ClientException("launch type should be one of [EC2,FARGATE]")
    return str(asked or "EC2")


def provider_strategy_of(cluster: ClusterRow, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The capacity provider strategy that a service is to have; none where it has a launch type."""
    strategy = chosen_strategy(cluster, request)
    if strategy and request.get("schedulingStrategy") == "DAEMON":
        raise InvalidParameterException(NO_PROVIDERS)
    return strategy


def changed_strategy(
    cluster: ClusterRow, body: Mapping[str, Any], request: Mapping[str, Any], launch_type: str
) -> dict[str, Any]:
    """The body with another capacity provider strategy, where the request gives one; an empty one goes back to the launch type.

    Raises:
        UnsupportedFeatureException: it would move the service between EC2 and Fargate.

    """
    if "capacityProviderStrategy" not in request:
        return dict(body)
    strategy = chosen_strategy(cluster, {**request, "launchType": None}) if request["capacityProviderStrategy"] else []
    if strategy and launch_type_of_strategy(strategy) != launch_type:
        raise UnsupportedFeatureException("Not emulated yet: moving a service between EC2 and Fargate.")
    kept = {member: value for member, value in body.items() if member != "capacityProviderStrategy"}
    return {**kept, "capacityProviderStrategy": strategy} if strategy else kept


def definition_of(context: Context, identifier: str | None) -> TaskDefinitionRow:
    """The ACTIVE revision that a service is to run."""
    if not identifier:
        raise InvalidParameterException("Task Definition can not be blank.")
    definition = find_task_definition(context, identifier)
    if definition is None:
        raise ClientException("TaskDefinition not found.")
    if definition.status != "ACTIVE":
        raise ClientException("TaskDefinition is inactive")
    return definition


def desired_count_of(count: int | None, strategy: str = "REPLICA") -> int:
    """How many tasks a service is to have; a DAEMON service counts its hosts, which are not known here."""
    if strategy == "DAEMON":
        if count is not None:  # (unconfirmed) text
            raise InvalidParameterException(
                "The daemon scheduling strategy does not support a desired count. Remove the desired count and try again."
            )
        return 0
    if count is None:
        raise InvalidParameterException("desiredCount must be specified.")  # (unconfirmed) text
    if count < 0:
        raise InvalidParameterException("desiredCount cannot be a negative number.")
    return count


def new_body(request: Mapping[str, Any], launch_type: str) -> dict[str, Any]:
    """The members that only requests change, with ECS's defaults."""
    daemon = request.get("schedulingStrategy") == "DAEMON"
    body: dict[str, Any] = {
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "maximumPercent": 100 if daemon else 200,
            "minimumHealthyPercent": 0 if daemon else 100,
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
        },
        "deploymentController": {"type": controller_of(request)},
        "placementConstraints": [],
        "placementStrategy": [],
        "healthCheckGracePeriodSeconds": 0,
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "propagateTags": "NONE",
        "availabilityZoneRebalancing": "DISABLED",
    }
    if launch_type == "FARGATE":
        body |= {"platformVersion": "LATEST", "platformFamily": "Linux"}
    made = changed_body(body, request, launch_type)
    if "availabilityZoneRebalancing" not in request:
        refused = may_rebalance(request, launch_type, made["deploymentConfiguration"])
        made["availabilityZoneRebalancing"] = "DISABLED" if refused else "ENABLED"
    return made


def changed_body(body: Mapping[str, Any], request: Mapping[str, Any], launch_type: str) -> dict[str, Any]:
    """`body` with what `request` gives; what it does not give stays."""
    changed = dict(body)
    if "deploymentConfiguration" in request:
        changed["deploymentConfiguration"] = deployment_configuration(
            body["deploymentConfiguration"], request["deploymentConfiguration"]
        )
    if "placementConstraints" in request:
        constraints_of(rules_for_hosts(request["placementConstraints"], launch_type, "constraints"))
        changed["placementConstraints"] = list(request["placementConstraints"])
    if "placementStrategy" in request:
        strategies_of(rules_for_hosts(request["placementStrategy"], launch_type, "strategies"))
        changed["placementStrategy"] = shown_strategies(request["placementStrategy"])
    if "healthCheckGracePeriodSeconds" in request:
        changed["healthCheckGracePeriodSeconds"] = _grace(request["healthCheckGracePeriodSeconds"])
    if "propagateTags" in request:
        changed["propagateTags"] = _one_of("propagateTags", request["propagateTags"], _PROPAGATE)
    for member in ("enableECSManagedTags", "enableExecuteCommand", "availabilityZoneRebalancing"):
        if member in request:
            changed[member] = request[member]
    given = [member for member in _LISTS if member in request]
    changed |= {member: [dict(item) for item in request[member]] for member in given}
    if request.get("availabilityZoneRebalancing") == "ENABLED":
        _check_rebalancing(changed, launch_type)
    return changed | _given_to_run(request, launch_type)


def _check_rebalancing(asked: Mapping[str, Any], launch_type: str) -> None:
    refused = may_rebalance(asked, launch_type, asked["deploymentConfiguration"])
    if refused is not None:
        raise InvalidParameterException(f"Availability Zone rebalancing is not supported with {refused}.")


def run_members(request: Mapping[str, Any], launch_type: str) -> dict[str, Any]:
    """What a task set gives its tasks to run with."""
    fargate = {"platformVersion": "1.4.0", "platformFamily": "Linux"} if launch_type == "FARGATE" else {}
    given = _given_to_run(request, launch_type)
    if given.get("platformVersion") == "LATEST":
        del given["platformVersion"]
    return {**fargate, **given}


def _given_to_run(request: Mapping[str, Any], launch_type: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "networkConfiguration" in request:
        given["networkConfiguration"] = network_of(request["networkConfiguration"])
    if "platformVersion" in request:
        given["platformVersion"] = platform_of(request["platformVersion"], launch_type)
    return given


def check_runnable(
    context: Context, cluster: ClusterRow, definition: TaskDefinitionRow, launch_type: str, body: Mapping[str, Any]
) -> None:
    """Task definition, launch type and network must go together, and the subnets exist."""
    network = body.get("networkConfiguration")
    check_compatible(definition, launch_type, network)
    if body.get("loadBalancers"):
        strategy = body.get("deploymentConfiguration", {}).get("strategy", "ROLLING")
        check_load_balancers(context, body["loadBalancers"], definition, strategy)
    subnets_of(context, LaunchRequest(cluster, definition, 0, launch_type, "", network_configuration=network))


def _grace(seconds: int) -> int:
    if not 0 <= seconds <= _MOST_SECONDS:
        raise InvalidParameterException(f"healthCheckGracePeriodSeconds must be between 0 and {_MOST_SECONDS}.")
    return seconds


def _one_of(member: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise InvalidParameterException(f"{member} should be one of [{','.join(known)}]")
    return value
