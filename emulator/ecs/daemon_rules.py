"""What a DAEMON service cannot have."""

from collections.abc import Mapping
from typing import Any

from emulator.ecs.errors import InvalidParameterException

NO_PROVIDERS = (
    "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON "
    "scheduling strategy."
)


def strategy_of(request: Mapping[str, Any]) -> str:
    """REPLICA or DAEMON.

    Raises:
        InvalidParameterException: the request asks for what a DAEMON service cannot have; but for the first one the
            texts are (unconfirmed).

    """
    if request.get("schedulingStrategy", "REPLICA") == "REPLICA":
        return "REPLICA"
    if request.get("capacityProviderStrategy"):
        raise InvalidParameterException(NO_PROVIDERS)
    configuration = request.get("deploymentConfiguration", {})
    faults = {
        "The Fargate launch type": request.get("launchType") == "FARGATE",
        "A placement strategy": bool(request.get("placementStrategy")),
        "Availability Zone rebalancing": request.get("availabilityZoneRebalancing") == "ENABLED",
        "A maximum percent other than 100": configuration.get("maximumPercent", 100) != 100,
        "A deployment controller other than ECS": request.get("deploymentController", {}).get("type", "ECS") != "ECS",
        "A deployment strategy other than ROLLING": configuration.get("strategy", "ROLLING") != "ROLLING",
    }
    for what, asked in faults.items():
        if asked:
            raise InvalidParameterException(f"{what} is not supported with the DAEMON scheduling strategy.")
    return "DAEMON"
