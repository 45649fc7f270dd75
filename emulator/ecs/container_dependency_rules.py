"""What containers of one task may ask of each other: dependsOn, links and volumesFrom (reference: ecs.md §2.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.ecs.errors import ClientException

_CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")

Container = Mapping[str, Any]


def check_dependencies(containers: Sequence[Container]) -> None:
    """All names are known, conditions can be met, and nothing waits for itself.

    Raises:
        ClientException: the first rule violated.

    """
    by_name = {container["name"]: container for container in containers}
    for container in containers:
        for dependency in container.get("dependsOn", []):
            _check_condition(container, dependency, by_name)
    _refuse_cycles(
        {c["name"]: [d["containerName"] for d in c.get("dependsOn", [])] for c in containers},
        "Container dependencies must not contain a cycle.",  # (unconfirmed) text
    )
    links = {c["name"]: [link.partition(":")[0] for link in c.get("links", [])] for c in containers}
    _refuse_unknown(links, "links")
    _refuse_cycles(links, "Container links should not have a cycle")
    volumes = {c["name"]: [volume.get("sourceContainer", "") for volume in c["volumesFrom"]] for c in containers}
    _refuse_unknown(volumes, "volumesFrom")
    _refuse_cycles(volumes, "volumesFrom must not contain a cycle.")  # (unconfirmed) text


def _check_condition(container: Container, dependency: Mapping[str, Any], by_name: Mapping[str, Container]) -> None:
    target = by_name.get(dependency["containerName"])
    if target is None or target is container:
        raise ClientException(
            f"Invalid dependency of container '{container['name']}': '{dependency['containerName']}'."
        )  # (unconfirmed) text
    if dependency["condition"] not in _CONDITIONS:
        raise ClientException(f"condition should be one of [{','.join(_CONDITIONS)}]")  # (unconfirmed) text
    if dependency["condition"] in {"COMPLETE", "SUCCESS"} and target["essential"]:
        raise ClientException(
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
        )
    if dependency["condition"] == "HEALTHY" and "healthCheck" not in target:
        raise ClientException(f"Container '{target['name']}' needs a healthCheck for a HEALTHY dependency.")
        # (unconfirmed) text


def _refuse_unknown(graph: Mapping[str, Sequence[str]], member: str) -> None:
    for name, targets in graph.items():
        for target in targets:
            if target not in graph:
                raise ClientException(f"Unknown container '{target}' in {member} of '{name}'.")  # (unconfirmed) text


def _refuse_cycles(graph: Mapping[str, Sequence[str]], message: str) -> None:
    settled: set[str] = set()
    while len(settled) < len(graph):
        free = {name for name, needs in graph.items() if name not in settled and settled.issuperset(needs)}
        if not free:
            raise ClientException(message)
        settled |= free
