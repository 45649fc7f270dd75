"""What the agent keeps in memory only: after a restart `adopt` observes it anew."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.ecs.commands import Orders
from emulator.ecs.observations import Failed, Networked, Observation, Removed
from scheduler.reconcile.lifecycle import Step


@dataclass(slots=True)
class LiveTask:
    """A task that is not at rest."""

    observations: list[Observation] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    """Containers with a command under way; the empty name stands for the task."""
    held: dict[str, datetime] = field(default_factory=dict)
    """Containers (or the task) whose last command failed and is given again at that instant."""
    has_network: bool = False
    network_failure: str | None = None
    removed: bool = False
    failures: dict[str, str] = field(default_factory=dict)

    def note(self, observation: Observation) -> None:
        """Keep what the rows do not."""
        match observation:
            case Networked():
                self.has_network = True
            case Removed():
                self.removed = True
            case Failed(container, reason) if container:
                self.failures[container] = reason
            case Failed(_, reason):
                self.network_failure = reason


@dataclass(slots=True)
class Batch:
    """What is done once for all tasks of a transaction."""

    session: Session
    given: list[tuple[Step, Orders]] = field(default_factory=list)
    clusters: dict[str, Context] = field(default_factory=dict)
    """Where tasks stopped on hosts, which have room again."""
    purged: list[str] = field(default_factory=list)


class UnderWay:
    """Commands that are being carried out in the background."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, work: Coroutine[None, None, None], name: str) -> None:
        """Begin `work`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self, name: str) -> None:
        """Leave what is called so where it is."""
        for task in self._tasks:
            if task.get_name() == name:
                task.cancel()

    async def abandon(self) -> None:
        """Leave everything where it is."""
        for task in self._tasks:
            task.cancel()
        await self.finish()

    async def finish(self) -> None:
        """Return once all that is under way now has come to its end."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
