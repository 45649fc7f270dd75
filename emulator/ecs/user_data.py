"""What an EC2 instance's user data tells the ECS agent: the lines that it writes into /etc/ecs/ecs.config.

The script is not run; the assignments are read out of it, however they are echoed or quoted. Lines that are comments do not
count, and of two assignments the later one holds, as in the file.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_string
from typing import Any, TypeVar

T = TypeVar("T")

_LAST_PORT = 65535

_CLUSTER = re.compile(r"""(?<![\w$])ECS_CLUSTER=(?:\\?["'])?([A-Za-z0-9_-]{1,255})""")
_RESERVED = re.compile(r"""(?<![\w$])ECS_RESERVED_MEMORY=(?:\\?["'])?([0-9]{1,9})(?![\w])""")
_PROPAGATES = re.compile(r"""(?<![\w$])ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM=(?:\\?["'])?(\w*)""")
_JSON = r"""(?<![\w$])%s=(?:\\?["'])?(\{[^{}]*\}|\[[^\[\]]*\]|[^\s"'>]+)"""


@dataclass(frozen=True, slots=True)
class AgentConfiguration:
    """What an agent is told."""

    cluster: str
    attributes: dict[str, str] = field(default_factory=dict)
    reserved_memory: int = 0
    """MiB (ECS_RESERVED_MEMORY)."""
    reserved_ports: tuple[int, ...] = ()
    """TCP ports that tasks do not get (ECS_RESERVED_PORTS), instead of those that an agent keeps by itself; empty: those."""
    reserved_udp_ports: tuple[int, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    """Of the container instance (ECS_CONTAINER_INSTANCE_TAGS)."""
    propagates_tags: bool = False
    """The container instance has the tags of the EC2 instance, too; its own come first."""
    faults: tuple[str, ...] = ()
    """What of it cannot be used, and why."""


def agent_configuration(user_data: str) -> AgentConfiguration | None:
    """The configuration in `user_data`; None where it names no cluster: then the instance is no host."""
    text = "\n".join(
        line for line in _script(user_data).splitlines() if not line.lstrip().startswith("#") or line.startswith("#!")
    )
    clusters = _CLUSTER.findall(text)
    if not clusters:
        return None
    faults: list[str] = []
    attributes = _assigned(text, "ECS_INSTANCE_ATTRIBUTES", _names, faults)
    ports = _assigned(text, "ECS_RESERVED_PORTS", _ports, faults)
    udp_ports = _assigned(text, "ECS_RESERVED_PORTS_UDP", _ports, faults)
    tags = _assigned(text, "ECS_CONTAINER_INSTANCE_TAGS", _names, faults)
    return AgentConfiguration(
        cluster=clusters[-1],
        attributes=attributes or {},
        reserved_memory=int(["0", *_RESERVED.findall(text)][-1]),
        reserved_ports=ports or (),
        reserved_udp_ports=udp_ports or (),
        tags=tags or {},
        propagates_tags=["", *_PROPAGATES.findall(text)][-1].lower() == "ec2_instance",
        faults=tuple(faults),
    )


def _assigned(text: str, variable: str, read: Callable[[Any], T], faults: list[str]) -> T | None:
    """What `read` makes of the JSON that `variable` is given last; None where there is none or, with a fault, it is wrong."""
    given = re.findall(_JSON % variable, text)
    if not given:
        return None
    source = given[-1].replace('\\"', '"')
    try:
        return read(json.loads(source))
    except ValueError as error:
        told = "is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        faults.append(f"{variable} {told}: {source}")
        return None


def _names(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - as json.loads has it
    return {name: str(value) for name, value in found.items()}


def _ports(found: Any) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(port) is int and 0 <= port <= _LAST_PORT for port in found):
        raise ValueError("is not a JSON array of ports")
    return tuple(found)


def _script(user_data: str) -> str:
    """The text of every part, where cloud-init's MIME form is used."""
    head = user_data.lstrip()[:200].lower()
    if not head.startswith(("content-type: multipart", "mime-version:")):
        return user_data
    parts = []
    for part in message_from_string(user_data.lstrip()).walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            parts.append(content.decode(errors="replace"))
    return "\n".join(parts)
