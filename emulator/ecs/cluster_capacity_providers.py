"""Which capacity providers a cluster may have, and what a strategy over them must satisfy.

Only FARGATE and FARGATE_SPOT exist in every account; providers over Auto Scaling groups are not emulated yet, so every
other name is one that is not ACTIVE.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulator.ecs.errors import InvalidParameterException

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import CapacityProviderStrategyItemTypeDef

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
_MOST = 20


def check_providers(names: Sequence[str]) -> list[str]:
    """The names, each once.

    Raises:
        InvalidParameterException: too many, or one that is not ACTIVE.

    """
    if len(names) > _MOST:
        raise InvalidParameterException("The maximum number of capacity providers per cluster has been exceeded.")
    for name in names:
        if name not in FARGATE_PROVIDERS:
            raise InvalidParameterException(
                f"The specified capacity provider '{name}' is not in an ACTIVE state. "
                "Specify a valid capacity provider and try again."
            )
    return list(dict.fromkeys(names))


def check_strategy(
    strategy: "Sequence[CapacityProviderStrategyItemTypeDef]", providers: Sequence[str]
) -> "list[CapacityProviderStrategyItemTypeDef]":
    """The strategy with `weight` and `base` filled in; its providers must be the cluster's. Texts are (unconfirmed)."""
    for item in strategy:
        if item["capacityProvider"] not in providers:
            raise InvalidParameterException(
                "The specified capacity provider strategy contains a capacity provider that is not associated with "
                "the cluster. Associate the capacity provider with the cluster and try again."
            )
    if sum(1 for item in strategy if item.get("base", 0) > 0) > 1:
        raise InvalidParameterException("Only one capacity provider in a strategy can have a base defined.")
    if strategy and all(item.get("weight", 0) == 0 for item in strategy):
        raise InvalidParameterException("At least one capacity provider must have a weight greater than 0.")
    return [
        {
            "capacityProvider": item["capacityProvider"],
            "weight": item.get("weight", 0),
            "base": item.get("base", 0),
        }
        for item in strategy
    ]
