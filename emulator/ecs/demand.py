"""Task definition → what one task of it asks of a host (reference: ecs.md §3.2)."""

from collections.abc import Mapping
from typing import Any

from scheduler.model import Demand


def containers_with_overrides(body: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The container definitions with a request's overrides applied; environments merge by name."""
    given = {item["name"]: item for item in overrides.get("containerOverrides", [])}
    containers = []
    for container in body["containerDefinitions"]:
        override = {name: value for name, value in given.get(container["name"], {}).items() if name != "name"}
        environment = {item["name"]: item["value"] for item in container["environment"]}
        environment |= {item.get("name", ""): item.get("value", "") for item in override.pop("environment", [])}
        merged = [{"name": name, "value": value} for name, value in environment.items()]
        containers.append({**container, **override, "environment": merged})
    return containers


def demand_of(body: Mapping[str, Any], group: str, overrides: Mapping[str, Any]) -> Demand:
    """CPU and memory of the task where given, else the sums of its containers; static ports in bridge and host mode."""
    containers = containers_with_overrides(body, overrides)
    cpu = overrides.get("cpu") or body.get("cpu") or sum(container["cpu"] for container in containers)
    memory = overrides.get("memory") or body.get("memory")
    if not memory:
        memory = sum(container.get("memoryReservation") or container.get("memory", 0) for container in containers)
    mode = body.get("networkMode", "bridge")
    mappings = [mapping for container in containers for mapping in container["portMappings"]]
    static = mappings if mode in {"bridge", "host"} else []
    return Demand(
        group=group,
        cpu=int(cpu),
        memory=int(memory),
        tcp_ports=frozenset(m["hostPort"] for m in static if m.get("hostPort") and m["protocol"] == "tcp"),
        udp_ports=frozenset(m["hostPort"] for m in static if m.get("hostPort") and m["protocol"] == "udp"),
        gpus=sum(
            int(requirement["value"])
            for container in containers
            for requirement in container.get("resourceRequirements", [])
            if requirement["type"] == "GPU"
        ),
        needs_eni=mode == "awsvpc",
        required_attributes=frozenset(item["name"] for item in body["requiresAttributes"]),
        architecture={"X86_64": "x86_64", "ARM64": "arm64"}.get(
            body.get("runtimePlatform", {}).get("cpuArchitecture", "")
        ),
    )
