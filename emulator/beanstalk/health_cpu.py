"""CPU of instances: what the containers of their applications use, of what the instance has.

An engine takes up to a second to say what a container uses, which is a minute of a fast clock: whoever judges an instance does not
wait for that. The loop `environment-cpu` (key: environment id) measures what was wanted last; judged is by what is known by then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from emulator.context import Context
from emulator.emulator import Emulator
from emulator.metrics.usage import Sampler, scripted
from emulator.runtime.simulated import SimulatedRuntime
from emulator.state.beanstalk import BeanstalkInstanceRow
from emulator.state.ecs import ContainerInstanceRow, TaskDefinitionRow, TaskRow


@dataclass(frozen=True, slots=True)
class Measured:
    """An instance whose application runs."""

    instance_id: str
    task_arn: str
    containers: tuple[str, ...]
    units: int
    """CPU units of the instance, 1024 for each vCPU."""
    simulated: float | None
    """Percent, by the images' scripts; None: the engine is asked."""


LOOP = "environment-cpu"


class CpuSampler:
    """Measures; the first look at a real container tells nothing."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._samplers: dict[str, Sampler] = {}
        """One for each environment: a sampler forgets whom it is not asked about."""
        self._wanted: dict[str, Sequence[Measured]] = {}
        self._known: dict[str, dict[str, float]] = {}
        emulator.loops.add(LOOP, self.handle)

    def containers(self, context: Context, items: Sequence[BeanstalkInstanceRow]) -> list[Measured]:
        """Whom to measure."""
        found = []
        for item in items:
            task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
            host = context.session.get(ContainerInstanceRow, item.host_arn)
            if task is None or host is None or task.last_status != "RUNNING":
                continue
            names = tuple(str(document["name"]) for document in task.containers)
            found.append(Measured(item.id, task.arn, names, host.cpu, self._scripted(context, task, host)))
        return found

    def _scripted(self, context: Context, task: TaskRow, host: ContainerInstanceRow) -> float | None:
        runtime = self._emulator.runtime
        if not isinstance(runtime, SimulatedRuntime):
            return None
        definition = context.session.get_one(TaskDefinitionRow, task.task_definition_arn)
        return scripted(runtime, definition.body, host.cpu, host.memory).cpu * 100 / host.cpu

    def measure(self, environment_id: str, wanted: Sequence[Measured]) -> dict[str, float]:
        """Instance → percent of its CPU in use, of those that have been measured; they are measured anew."""
        real = [one for one in wanted if one.simulated is None]
        known = self._known.get(environment_id, {})
        if real:
            self._wanted[environment_id] = real
            self._emulator.loops.wake(LOOP, environment_id)
        else:
            self.forget(environment_id)
        found = {one.instance_id: one.simulated for one in wanted if one.simulated is not None}
        return found | {one.instance_id: known[one.instance_id] for one in real if one.instance_id in known}

    def forget(self, environment_id: str) -> None:
        """There is nothing to measure any more."""
        for kept in (self._samplers, self._wanted, self._known):
            kept.pop(environment_id, None)

    async def handle(self, keys: list[str]) -> None:
        """Ask the engine, of all environments at once."""
        await asyncio.gather(*(self._ask(key, self._wanted[key]) for key in keys if key in self._wanted))

    async def _ask(self, environment_id: str, wanted: Sequence[Measured]) -> None:
        sampler = self._samplers.setdefault(environment_id, Sampler(self._emulator.runtime))
        used = await sampler.measure([(one.task_arn, name) for one in wanted for name in one.containers])
        if environment_id in self._wanted:
            self._known[environment_id] = {
                one.instance_id: min(100.0, used[one.task_arn].cpu * 100 / one.units)
                for one in wanted
                if one.task_arn in used
            }
