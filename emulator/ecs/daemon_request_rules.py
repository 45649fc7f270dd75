"""What a daemon may be asked to be."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson

from emulator.context import Context
from emulator.ecs.capacity_providers import FARGATE_PROVIDERS, find_provider
from emulator.ecs.errors import ClientException, InvalidParameterException, UnsupportedFeatureException
from emulator.ecs.names import check_name, last_part
from emulator.state.ecs import ClusterRow

_LONGEST_BAKE = 1440
"""Minutes (CloudFormation's bound)."""
_DEFAULTS: Mapping[str, Any] = {
    "drainPercent": 25.0,  # (unconfirmed)
    "alarms": {"alarmNames": [], "enable": False},
    "bakeTimeInMinutes": 0,
}


def check_request(request: Mapping[str, Any]) -> None:
    """Name and token; the texts are (unconfirmed)."""
    if not request["daemonName"]:
        raise InvalidParameterException("Daemon name can not be blank.")
    check_name(request["daemonName"], "Daemon name")
    if len(request.get("clientToken", "")) > 36:
        raise InvalidParameterException("clientToken must be at most 36 characters.")


def digest_of(request: Mapping[str, Any]) -> str:
    """Tells a retry of CreateDaemon from another request under the same token."""
    return sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def check_daemon_providers(context: Context, cluster: ClusterRow, identifiers: Sequence[str]) -> list[str]:
    """The ARNs of the providers, each once.

    ECS has daemons on managed instances only, which are not emulated. Here they run on the hosts of Auto Scaling groups.

    Raises:
        InvalidParameterException: none is named, or one that the cluster does not have.
        UnsupportedFeatureException: one without hosts.
        ClientException: one that does not exist.

    """
    if not identifiers:
        raise InvalidParameterException("Capacity providers cannot be empty.")  # (unconfirmed) text
    found = []
    for name in map(last_part, identifiers):
        if name in FARGATE_PROVIDERS:
            raise UnsupportedFeatureException(f"Daemons are not supported on {name}.")  # (unconfirmed) text
        row = find_provider(context, name)
        if row is None or row.status != "ACTIVE":
            raise ClientException(  # (unconfirmed) text
                "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
            )
        if name not in cluster.capacity_providers:
            raise InvalidParameterException(  # (unconfirmed) text
                f"The specified capacity provider '{name}' is not associated with the cluster."
            )
        found.append(row.arn)
    return list(dict.fromkeys(found))


def deployment_configuration(before: Mapping[str, Any] | None, asked: Mapping[str, Any] | None) -> dict[str, Any]:
    """How a deployment goes; what an update leaves out stays as it was (unconfirmed). So are the texts.

    Raises:
        InvalidParameterException: a value is out of its bounds.

    """
    found = {**_DEFAULTS, **(before or {}), **(asked or {})}
    if not 0.0 <= found["drainPercent"] <= 100.0:
        raise InvalidParameterException("drainPercent must be between 0.0 and 100.0.")
    if not 0 <= found["bakeTimeInMinutes"] <= _LONGEST_BAKE:
        raise InvalidParameterException(f"bakeTimeInMinutes must be between 0 and {_LONGEST_BAKE}.")
    alarms = {"alarmNames": [], "enable": False, **found["alarms"]}
    if alarms["enable"] and not alarms["alarmNames"]:
        raise InvalidParameterException("alarmNames must not be empty when alarms are enabled.")
    return {**found, "alarms": alarms}
