"""What container definitions of every mode have in common."""

from collections.abc import Mapping
from typing import Any

from emulator.beanstalk.bundles.plan import Subject

MEMORY = 6
"""MiB that a container reserves where nothing says how much: ECS asks for a number, and this is its least. It limits nothing."""

DOCKER_LOGS = "/var/log/eb-docker/containers"
"""Where the Docker platform keeps what applications write into files."""


def environment(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def with_secrets(container: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """Environment properties whose values are in a store; a plain property of the same name wins."""
    properties = subject.properties
    found = [{"name": name, "valueFrom": arn} for name, arn in subject.secrets.items() if name not in properties]
    if not found:
        return container
    taken = {item["name"] for item in found}
    own = [item for item in container.get("environment", []) if item["name"] not in taken]
    return {**container, "environment": own, "secrets": found}


def mapping(container_port: int, host_port: int, protocol: str = "tcp") -> dict[str, Any]:
    """`host_port` 0: any."""
    return {"containerPort": container_port, "hostPort": host_port, "protocol": protocol}
