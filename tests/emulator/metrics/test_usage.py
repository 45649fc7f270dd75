"""What tasks use."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

from emulator.clock import Clock
from emulator.metrics.usage import Sampler, scripted
from emulator.runtime.simulated import Script, SimulatedRuntime

if TYPE_CHECKING:
    from emulator.runtime.ports import ContainerRuntime

MIB = 1024 * 1024


class Engine:
    """Answers with what it is told to."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], Any] = {}

    async def stats(self, task_arn: str, container_name: str) -> Mapping[str, Any] | None:
        found = self.told.get((task_arn, container_name))
        if isinstance(found, Exception):
            raise found
        return cast("Mapping[str, Any] | None", found)


def document(used: float, whole: float, memory: float, cpus: int = 2) -> dict[str, Any]:
    return {
        "cpu_stats": {"cpu_usage": {"total_usage": used}, "system_cpu_usage": whole, "online_cpus": cpus},
        "memory_stats": {"usage": (memory + 5) * MIB, "stats": {"inactive_file": 5 * MIB}},
    }


def test_cpu_is_what_was_used_between_two_looks() -> None:
    engine = Engine()
    sampler = Sampler(cast("ContainerRuntime", engine))
    keys = [("one", "a"), ("one", "b"), ("two", "a"), ("gone", "a"), ("broken", "a")]
    engine.told = {
        ("one", "a"): document(100, 1000, 10),
        ("one", "b"): document(0, 1000, 20),
        ("two", "a"): document(50, 1000, 7),
        ("broken", "a"): RuntimeError("the engine is away"),
    }
    assert asyncio.run(sampler.measure(keys)) == {}
    engine.told |= {
        ("one", "a"): document(150, 1200, 10),
        ("one", "b"): document(50, 1200, 20),
        ("two", "a"): {"cpu_stats": {}, "memory_stats": {}},
    }
    found = asyncio.run(sampler.measure(keys))
    assert found.keys() == {"one"}
    assert found["one"].cpu == pytest.approx(2 * 1024 * 0.5)  # half of two CPUs
    assert found["one"].memory == pytest.approx(30)


def test_simulated_containers_share_what_their_task_reserves() -> None:
    runtime = SimulatedRuntime(Clock(0))
    runtime.script("web:*", Script(cpu=50, memory=100))
    body = {
        "containerDefinitions": [
            {"image": "web:1", "cpu": 96, "memory": 64},
            {"image": "log:1", "cpu": 32, "memory": 64},
        ]
    }
    used = scripted(runtime, body, 128, 128)
    assert (used.cpu, used.memory) == (48, 64)
    alone = scripted(runtime, {"containerDefinitions": [{"image": "web:1"}]}, 256, 512)
    assert (alone.cpu, alone.memory) == (128, 512)
