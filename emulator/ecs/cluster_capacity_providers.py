"""Which capacity providers a cluster may have, and what a strategy over them must satisfy (reference: ecs.md §1.1, §4.7)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emulator.context import Context
from emulator.ecs.capacity_providers import FARGATE_PROVIDERS, cluster_of, find_provider
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.state.ecs import ClusterRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import CapacityProviderStrategyItemTypeDef

_MOST = 20


def check_providers(context: Context, names: Sequence[str], cluster_arn: str) -> list[str]:
    """The names, each once.

    Raises:
        InvalidParameterException: too many, or one that is not ACTIVE.
        ClientException: one with managed scaling that another cluster has.

    """
    if len(names) > _MOST:
        raise InvalidParameterException("The maximum number of capacity providers per cluster has been exceeded.")
    for name in names:
        row = None if name in FARGATE_PROVIDERS else find_provider(context, name)
        if name not in FARGATE_PROVIDERS and (row is None or row.status != "ACTIVE"):
            raise InvalidParameterException(
                f"The specified capacity provider '{name}' is not in an ACTIVE state. "
                "Specify a valid capacity provider and try again."
            )
        if row is not None and row.provider["managedScaling"]["status"] == "ENABLED":
            owner = cluster_of(context, row)
            if owner is not None and owner.arn != cluster_arn:
                raise ClientException(  # (unconfirmed) text
                    f"The capacity provider {name} has managed scaling enabled and is associated with another cluster."
                )
    return list(dict.fromkeys(names))


def check_strategy(
    strategy: "Sequence[CapacityProviderStrategyItemTypeDef]", providers: Sequence[str]
) -> "list[CapacityProviderStrategyItemTypeDef]":
    """The strategy with `weight` and `base` filled in; its providers must be the cluster's. Texts are (unconfirmed)."""
    if len(strategy) > _MOST:
        raise InvalidParameterException("A capacity provider strategy can have at most 20 capacity providers.")
    for item in strategy:
        if item["capacityProvider"] not in providers:
            raise InvalidParameterException(
                "The specified capacity provider strategy contains a capacity provider that is not associated with "
                "the cluster. Associate the capacity provider with the cluster and try again."
            )
    names = [item["capacityProvider"] for item in strategy]
    if len(set(names)) < len(names):
        raise InvalidParameterException("A capacity provider strategy can name each capacity provider only once.")
    if len({name in FARGATE_PROVIDERS for name in names}) > 1:
        raise InvalidParameterException(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and "
            "Fargate providers. Specify one or the other and try again."
        )
    if sum(1 for item in strategy if item.get("base", 0) > 0) > 1:
        raise InvalidParameterException("Only one capacity provider in a strategy can have a base defined.")
    if len(strategy) > 1 and all(item.get("weight", 0) == 0 for item in strategy):
        raise InvalidParameterException("At least one capacity provider must have a weight greater than 0.")
    return [
        {
            "capacityProvider": item["capacityProvider"],
            "weight": item.get("weight", 0),
            "base": item.get("base", 0),
        }
        for item in strategy
    ]


def group_providers(names: Sequence[str]) -> list[str]:
    """Those over Auto Scaling groups."""
    return [name for name in names if name not in FARGATE_PROVIDERS]


def chosen_strategy(cluster: ClusterRow, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The strategy that a request's tasks go by; none where it has a launch type. Explicit ones go before the cluster's.

    Raises:
        InvalidParameterException: a launch type beside it, or a provider that the cluster does not have.

    """
    given = request.get("capacityProviderStrategy")
    if given and request.get("launchType"):
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    if given:
        return [dict(item) for item in check_strategy(given, cluster.capacity_providers)]
    return [] if request.get("launchType") else [dict(item) for item in cluster.default_strategy]


def launch_type_of_strategy(strategy: Sequence[Mapping[str, Any]]) -> str:
    """FARGATE or EC2: all providers of a strategy are of one kind."""
    return "FARGATE" if strategy[0]["capacityProvider"] in FARGATE_PROVIDERS else "EC2"


def attachments(context: Context, cluster: ClusterRow) -> list[dict[str, Any]]:
    """What ECS made for the cluster's Auto Scaling group providers."""
    rows = [find_provider(context, name) for name in cluster.capacity_providers if name not in FARGATE_PROVIDERS]
    return [
        {
            "id": row.policy_id,
            "type": "as_policy",
            "status": "CREATED",
            "details": [
                {"name": "capacityProviderName", "value": row.name},
                {"name": "scalingPolicyName", "value": f"ECSManagedAutoScalingPolicy-{row.policy_id}"},
            ],
        }
        for row in rows
        if row is not None and row.provider["managedScaling"]["status"] == "ENABLED"
    ]
