"""Secrets of containers: read when the container is started, from Parameter Store or Secrets Manager, into its environment."""

from collections.abc import Mapping
from typing import Any

import orjson

from emulator.neighbours.ports import Neighbours
from emulator.runtime.faults import ResourceInitializationError

_PREFIX = "unable to pull secrets or registry auth: execution resource retrieval failed:"


def wanted_secrets(container: Mapping[str, Any]) -> dict[str, str]:
    """Variable → where its value is."""
    return {item["name"]: item["valueFrom"] for item in container.get("secrets", [])}


def read_secrets(neighbours: Neighbours, account: str, region: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Variable → value.

    Raises:
        ResourceInitializationError: one does not exist. The text after the prefix is (unconfirmed).

    """
    return {
        name: _secret(neighbours, account, region, source)
        if ":secretsmanager:" in source
        else _parameter(neighbours, account, region, source)
        for name, source in wanted.items()
    }


def _parameter(neighbours: Neighbours, account: str, region: str, source: str) -> str:
    """A name in the task's region, or an ARN, which names account and region."""
    name = source
    if source.startswith("arn:"):
        _, _, _, region, account, resource = source.split(":", 5)
        name = resource.removeprefix("parameter")
    value = neighbours.parameter(account, region, name)
    if value is None:
        raise ResourceInitializationError(
            f"{_PREFIX} unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
            f"invalid parameters: {name}"
        )
    return value


def _secret(neighbours: Neighbours, account: str, region: str, source: str) -> str:
    """`ARN[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]`."""
    parts = source.split(":")
    arn, options = ":".join(parts[:7]), [*parts[7:], "", "", ""]
    key, stage, version = options[:3]
    text = neighbours.secret(parts[4] or account, parts[3] or region, arn, stage, version)
    if text is None:
        raise ResourceInitializationError(
            f"{_PREFIX} unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch "
            f"secret {arn} from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."
        )
    if not key:
        return text
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError:
        members = None
    if not isinstance(members, dict) or key not in members:
        raise ResourceInitializationError(
            f"{_PREFIX} unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain json key {key}"
        )
    value = members[key]
    return value if isinstance(value, str) else orjson.dumps(value).decode()
