"""What an EC2 instance's user data tells the ECS agent: the lines that it writes into /etc/ecs/ecs.config.

The script is not run; the assignments are read out of it, however they are echoed or quoted. Lines that are comments do not
count, and of two assignments the later one holds, as in the file.
"""

import json
import re
from dataclasses import dataclass, field, replace
from email import message_from_string

_CLUSTER = re.compile(r"""(?<![\w$])ECS_CLUSTER=(?:\\?["'])?([A-Za-z0-9_-]{1,255})""")
_RESERVED = re.compile(r"""(?<![\w$])ECS_RESERVED_MEMORY=(?:\\?["'])?([0-9]{1,9})(?![\w])""")
_ATTRIBUTES = re.compile(r"(?<![\w$])ECS_INSTANCE_ATTRIBUTES=[\"']?(\{[^{}]*\})")


@dataclass(frozen=True, slots=True)
class AgentConfiguration:
    """What an agent is told."""

    cluster: str
    attributes: dict[str, str] = field(default_factory=dict)
    reserved_memory: int = 0
    """MiB (ECS_RESERVED_MEMORY)."""
    fault: str | None = None
    """Why its attributes cannot be used."""


def agent_configuration(user_data: str) -> AgentConfiguration | None:
    """The configuration in `user_data`; None where it names no cluster: then the instance is no host."""
    text = "\n".join(
        line for line in _script(user_data).splitlines() if not line.lstrip().startswith("#") or line.startswith("#!")
    )
    clusters = _CLUSTER.findall(text)
    if not clusters:
        return None
    plain = AgentConfiguration(clusters[-1], reserved_memory=int(["0", *_RESERVED.findall(text)][-1]))
    given = _ATTRIBUTES.findall(text)
    if not given:
        return plain
    try:
        found = json.loads(given[-1].replace('\\"', '"'))
    except ValueError:
        return replace(plain, fault=f"ECS_INSTANCE_ATTRIBUTES is not JSON: {given[-1]}")
    return replace(plain, attributes={name: str(value) for name, value in found.items()})


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
