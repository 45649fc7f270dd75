"""What the engine says of a container → values of the port."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from emulator.runtime.docker_options import CONTAINER, HOST_PORTS, TASK
from emulator.runtime.ports import Health, ObservedContainer, PortBinding

RUNNING = frozenset({"running", "paused", "restarting"})
_HEALTH: dict[str, Health] = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}


class _Health(TypedDict):
    Status: str


class _State(TypedDict):
    Status: str
    ExitCode: int
    OOMKilled: bool
    StartedAt: str
    FinishedAt: str
    Health: NotRequired[_Health | None]


class _Published(TypedDict):
    HostIp: str
    HostPort: str


class _Config(TypedDict):
    Labels: dict[str, str]
    StopSignal: NotRequired[str]


class _Endpoint(TypedDict):
    IPAddress: str
    MacAddress: str


class _NetworkSettings(TypedDict):
    Ports: dict[str, list[_Published] | None] | None
    Networks: dict[str, _Endpoint]


class ContainerDocument(TypedDict):
    """The part of an inspection that is read here."""

    Id: str
    State: _State
    Config: _Config
    NetworkSettings: _NetworkSettings


class _ListedNetworks(TypedDict):
    Networks: dict[str, _Endpoint]


class ListedContainer(TypedDict):
    """The part of an entry of a list that is read here."""

    Id: str
    State: str
    Labels: dict[str, str]
    NetworkSettings: _ListedNetworks


def addresses(listed: ListedContainer) -> set[str]:
    """A container's addresses in the networks it is in; a container that does not run has none."""
    return {endpoint["IPAddress"] for endpoint in listed["NetworkSettings"]["Networks"].values()} - {""}


class _Pool(TypedDict):
    Subnet: str


class _Ipam(TypedDict):
    Config: list[_Pool] | None


class _Member(TypedDict):
    IPv4Address: str


class NetworkDocument(TypedDict):
    """The part of a network's inspection that is read here."""

    IPAM: _Ipam
    Containers: dict[str, _Member]


class ListedVolume(TypedDict):
    """The part of an entry of a list of volumes that is read here."""

    Name: str
    Labels: dict[str, str] | None


def instant(text: str) -> datetime | None:
    """The engine's instants have nanoseconds; the year 1 stands for never."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?", text)
    if found is None or text.startswith("0001"):
        return None
    return datetime.fromisoformat(found.group(1)).replace(
        microsecond=int((found.group(2) or ".0")[1:].ljust(6, "0")), tzinfo=UTC
    )


def health_of(status: str) -> Health:
    """ECS's word for the engine's; `starting` and `none` are UNKNOWN."""
    return _HEALTH.get(status, "UNKNOWN")


def _protocol(text: str) -> Literal["tcp", "udp"]:
    return "udp" if text == "udp" else "tcp"


def bindings(document: ContainerDocument) -> tuple[PortBinding, ...]:
    """The published ports; in host mode, where nothing is published, the declared ones."""
    declared = document["Config"]["Labels"].get(HOST_PORTS)
    if declared is not None:
        pairs = [port.split("/") for port in declared.split(",")]
        return tuple(PortBinding("0.0.0.0", int(port), int(port), _protocol(protocol)) for port, protocol in pairs)
    found = []
    for port, published in (document["NetworkSettings"]["Ports"] or {}).items():
        number, _, protocol = port.partition("/")
        for entry in published or []:
            binding = PortBinding(entry["HostIp"], int(number), int(entry["HostPort"]), _protocol(protocol))
            found.append(binding)
    return tuple(found)


def observed(document: ContainerDocument, ours: Callable[[datetime], datetime]) -> ObservedContainer:
    """The container as it stands; `ours` turns the engine's time into the clock's."""
    state, labels = document["State"], document["Config"]["Labels"]
    running = state["Status"] in RUNNING
    started, finished = instant(state["StartedAt"]), instant(state["FinishedAt"])
    ended = not running and started is not None
    return ObservedContainer(
        task_arn=labels[TASK],
        container_name=labels[CONTAINER],
        runtime_id=document["Id"],
        running=running,
        exit_code=state["ExitCode"] if ended else None,
        out_of_memory=ended and state["OOMKilled"],
        # the engine calls a container unhealthy that has ended
        health=health_of((state.get("Health") or {"Status": "none"})["Status"]) if running else "UNKNOWN",
        started_at=ours(started) if started else None,
        finished_at=ours(finished) if finished and ended else None,
        bindings=bindings(document),
    )
