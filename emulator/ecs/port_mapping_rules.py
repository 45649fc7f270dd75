"""Port mappings, which mean something else in each network mode (reference: ecs.md §2.4)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from emulator.ecs.errors import ClientException

_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_RESERVED_PORTS = frozenset({22, 2375, 2376, 51678, 51679, 51680})
_MOST_RANGES = 100

Mappings = Sequence[Mapping[str, Any]]


def check_port_mappings(mappings: Mappings, container: str, mode: str) -> None:
    """The mappings of one container, normalised.

    Raises:
        ClientException: the first rule violated.

    """
    if mappings and mode == "none":
        raise ClientException("Port mappings are not supported when networkMode=none.")  # (unconfirmed) text
    if sum(1 for mapping in mappings if mapping.get("containerPortRange")) > _MOST_RANGES:
        raise ClientException(f"Container '{container}' has more than {_MOST_RANGES} port ranges.")  # (unconfirmed)
    for mapping in mappings:
        if mapping.get("containerPortRange"):
            _check_range(mapping, container, mode)
        else:
            _check_port(mapping, container, mode)
        _check_name(mapping)


def _check_range(mapping: Mapping[str, Any], container: str, mode: str) -> None:
    found = _RANGE.fullmatch(mapping["containerPortRange"])
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    alone = not mapping.get("containerPort") and not mapping.get("hostPort")
    if not 1 <= first <= last <= 65535 or not alone or mode not in {"bridge", "awsvpc"}:
        raise ClientException(f"Invalid 'containerPortRange' setting for container '{container}'.")  # (unconfirmed)


def _check_port(mapping: Mapping[str, Any], container: str, mode: str) -> None:
    port, host = mapping.get("containerPort"), mapping.get("hostPort", 0)
    if not port or not 1 <= port <= 65535:
        raise ClientException(f"Invalid 'containerPort' setting for container '{container}'.")
    if not 0 <= host <= 65535:
        raise ClientException(f"Invalid 'hostPort' setting for container '{container}'.")  # (unconfirmed) text
    if mapping.get("protocol") not in {"tcp", "udp"}:
        raise ClientException(f"Invalid 'protocol' setting for container '{container}'.")  # (unconfirmed) text
    if host not in {0, port} and mode in {"awsvpc", "host"}:
        raise ClientException(
            f"When networkMode={mode}, the host ports and container ports in port mappings must match."
        )
    if mode == "bridge" and host in _RESERVED_PORTS:
        raise ClientException(f"Host port {host} is reserved by the container agent.")  # (unconfirmed) text


def _check_name(mapping: Mapping[str, Any]) -> None:
    name = mapping.get("name")
    if name is not None and not _NAME.fullmatch(name):
        raise ClientException(f"Invalid port mapping name '{name}'.")  # (unconfirmed) text
    if mapping.get("appProtocol") and name is None:
        raise ClientException("appProtocol requires a name in the port mapping.")  # (unconfirmed) text
