"""What the proxy's access log tells: requests, response times and status codes, by listener, target group and revision."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from emulator.balancer.ports import Traffic
from scheduler.beanstalk.request_statistics import latency_step


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request was, where somebody keeps a log of it."""

    method: str
    uri: str
    proto: str
    """`HTTP/1.1`."""
    host: str
    agent: str
    referer: str
    client: str
    """The address of who asked the load balancer."""
    size: int | None = None
    """Bytes of the answer's body; None where they were not counted."""
    error: str = ""
    """Why there was no answer."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request, as the proxy tells of it."""

    listener: str
    group: str
    """Empty where no target was asked."""
    target: str
    """The upstream's address."""
    status: int
    seconds: float
    """The target's response time."""
    answered: bool
    """The status is a target's: also where the proxy of its instance answers in its place, which is a part of it (`asked`)."""
    inner: bool = False
    """Told by a group's own server: the listener's server tells of the same request."""
    own: bool = False
    """The load balancer found nobody to ask."""
    asked: Asked | None = None
    of_instance: bool = False
    """Told by the server that stands for an instance's proxy, of a failure: a group's tells of the same request."""


_TOLD = ("method", "uri", "proto", "host", "agent", "referer", "client", "error")


def read_lines(lines: bytes) -> list[Served]:
    """The entries of an access log; lines that are none are passed over."""
    return [found for line in lines.splitlines() if (found := _read(line)) is not None]


def _read(line: bytes) -> Served | None:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not entry.get("status"):  # cut off, to be asked again
        return None
    if entry.get("instance"):
        target, status = str(entry["instance"]), int(entry["status"])
        return Served("", "", target, status, 0.0, answered=False, asked=_asked(entry), of_instance=True)
    group, took = str(entry.get("group", "")), entry.get("ms")
    measured = bool(group) and _is_number(took)
    asked = _asked(entry) if group and "uri" in entry else None
    return Served(
        listener=str(entry.get("listener", "")),
        group=group,
        target=str(entry.get("target", "")),
        status=int(entry["status"]),
        seconds=float(str(took)) / 1000 if measured else 0.0,
        answered=measured or asked is not None,
        inner="inner" in entry,
        own="own" in entry,
        asked=asked,
    )


def _asked(entry: Mapping[str, object]) -> Asked:
    told = {name: str(entry.get(name) or "") for name in _TOLD}
    size = entry.get("size")
    return Asked(**told, size=size if isinstance(size, int) else None)


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class Count:
    """What happened in a minute: of a load balancer, or of a target group behind one."""

    requests: int = 0
    seconds: list[float] = field(default_factory=list)
    target_codes: dict[int, int] = field(default_factory=dict)
    """Hundreds of the status → how often a target answered so."""
    own_codes: dict[int, int] = field(default_factory=dict)
    """Hundreds → how often the load balancer itself did."""


class Counter:
    """Adds up. Asks `revision_of` whose an upstream is."""

    def __init__(self, revision_of: Callable[[str, str], str]) -> None:
        self._revision_of = revision_of
        self.traffic: dict[str, dict[str, Traffic]] = {}
        """Target group → revision → what was counted since the start."""
        self._minute: dict[tuple[str, str], Count] = {}

    def add(self, served: Sequence[Served]) -> None:
        """Count these."""
        for one in served:
            if one.of_instance:
                continue
            if one.group:
                self._count_target(one)
            whole = self._minute.setdefault((one.listener, ""), Count())
            whole.requests += not one.inner
            if one.own or (one.group and not one.answered):
                whole.own_codes[one.status // 100] = whole.own_codes.get(one.status // 100, 0) + 1

    def take_minute(self, listeners: Container[str]) -> Mapping[tuple[str, str], Count]:
        """(one of the listeners, target group; empty for the listener itself) → what was counted since the last call."""
        return {key: self._minute.pop(key) for key in list(self._minute) if key[0] in listeners}

    def forget(self) -> None:
        """After a reset."""
        self.traffic.clear()
        self._minute.clear()

    def _count_target(self, one: Served) -> None:
        if not one.answered:
            return
        revision = self._revision_of(one.group, one.target)
        found = self.traffic.setdefault(one.group, {}).setdefault(revision, Traffic())
        found.requests += 1
        found.seconds += one.seconds
        found.statuses[one.status] = found.statuses.get(one.status, 0) + 1
        step = latency_step(one.seconds)
        found.latencies[step] = found.latencies.get(step, 0) + 1
        count = self._minute.setdefault((one.listener, one.group), Count())
        count.requests += 1
        count.seconds.append(one.seconds)
        hundreds = one.status // 100
        count.target_codes[hundreds] = count.target_codes.get(hundreds, 0) + 1
