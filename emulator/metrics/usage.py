"""What tasks use: of simulated ones what their images' scripts say, of real containers what the engine measures."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.runtime.ports import ContainerRuntime
from emulator.runtime.simulated import SimulatedRuntime

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU units and MiB."""

    cpu: float
    memory: float

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu + other.cpu, self.memory + other.memory)


NOTHING = Usage(0, 0)


def scripted(runtime: SimulatedRuntime, body: Mapping[str, Any], cpu: int, memory: int) -> Usage:
    """What one simulated task of a task definition uses: each container its script's share of the task's reservation.

    Containers share what the task reserves by what they reserve themselves, equally where none does.
    """
    containers: Sequence[Mapping[str, Any]] = body["containerDefinitions"]
    total = NOTHING
    for container in containers:
        script = runtime.scripts.of(container["image"])
        own_cpu = _share(container.get("cpu") or 0, sum(item.get("cpu") or 0 for item in containers), len(containers))
        own_memory = _share(_memory(container), sum(_memory(item) for item in containers), len(containers))
        total += Usage(own_cpu * cpu * script.cpu / 100, own_memory * memory * script.memory / 100)
    return total


def _memory(container: Mapping[str, Any]) -> int:
    return int(container.get("memory") or container.get("memoryReservation") or 0)


def _share(own: int, whole: int, count: int) -> float:
    return own / whole if whole else 1 / count


class Sampler:
    """Measures real containers: CPU is what was used between two looks, so the first look at one tells nothing."""

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime
        self._before: dict[tuple[str, str], tuple[float, float]] = {}
        """Container → nanoseconds that it and that the machine had used; a container begins anew with the server."""

    async def measure(self, containers: Sequence[tuple[str, str]]) -> dict[str, Usage]:
        """Task ARN → what its containers use, of those that could be measured."""
        documents = await asyncio.gather(*(self._runtime.stats(*key) for key in containers), return_exceptions=True)
        found: dict[str, Usage] = {}
        seen: dict[tuple[str, str], tuple[float, float]] = {}
        for key, document in zip(containers, documents, strict=True):
            if document is None or isinstance(document, BaseException):
                continue  # it ended meanwhile, or the engine is away: what is not measured is not published
            reading = _reading(document)
            if reading is None:
                continue
            used, whole, cpus, memory = reading
            seen[key] = (used, whole)
            before = self._before.get(key)
            if before is not None and whole > before[1]:
                share = (used - before[0]) / (whole - before[1])
                usage = Usage(max(0.0, share) * cpus * 1024, memory)
                found[key[0]] = found.get(key[0], NOTHING) + usage
        self._before = seen
        return found


def _reading(document: Mapping[str, Any]) -> tuple[float, float, int, float] | None:
    """Used and whole CPU time, CPUs, MiB; None of a container that does not run."""
    cpu, memory = document.get("cpu_stats", {}), document.get("memory_stats", {})
    whole = cpu.get("system_cpu_usage")
    if not whole or "usage" not in memory:
        return None
    cache = memory.get("stats", {}).get("inactive_file", memory.get("stats", {}).get("total_inactive_file", 0))
    used = float(cpu["cpu_usage"]["total_usage"])
    cpus = int(cpu.get("online_cpus") or len(cpu["cpu_usage"].get("percpu_usage") or [1]))
    return used, float(whole), cpus, max(0.0, (memory["usage"] - cache) / _MIB)
