"""Where a life of `environment_lives` ends, and the steps that it does twice. All of it is done in the server's process."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tests.chaos.environment_pictures import neighbours
from tests.chaos.environment_plans import Life, Moment

if TYPE_CHECKING:
    from api.server import Server

_READING = frozenset({"group", "network", "instance_profile_role", "role_arn", "keep", "trusted_role"})
"""Of `EnvironmentResources`: what changes nothing."""


def prepare(server: "Server", life: Life, tell: Connection) -> None:
    """Have the neighbours save nothing but when asked, and the life end at its first new mark."""
    if life.twice:
        do_twice(server)
    if life.at is None:
        return
    world = server.world
    world.worker = Reluctant()
    marks = Marks(server, life, tell)
    marks.follow_commits(dies=life.at is Moment.COMMIT)
    if life.at is Moment.CALL:
        marks.after_calls()


class Reluctant(ThreadPoolExecutor):
    """The neighbours' thread, which answers but never comes to the saving that can wait."""

    def __init__(self) -> None:
        super().__init__(1)

    def submit(self, function: Callable[..., Any], /, *args: Any, **members: Any) -> "Future[Any]":
        if function.__name__ == "save":
            return Future()
        return super().submit(function, *args, **members)


def do_twice(server: "Server") -> None:
    """Every step is done again, as after a death before its row was written: the second time changes nothing and tells the same."""
    from emulator.beanstalk.environment_loop import STEPS, EnvironmentsLoop  # noqa: PLC0415 - as above

    def twice(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def call(resources: Any, facts: Any) -> Any:
            done = do(resources, facts)
            there = neighbours(server.world)
            again = do(resources, facts)
            assert again == done, (name, done, again)
            assert neighbours(server.world) == there, (name, there, neighbours(server.world))
            return done

        return call

    for stage, steps in STEPS.items():
        STEPS[stage] = tuple(replace(step, do=twice(step.name, step.do)) for step in steps)
    original: Any = EnvironmentsLoop._outside  # where actions of a policy are done
    loop: Any = EnvironmentsLoop
    loop._outside = lambda self, key, do: original(self, key, twice(f"{do}", do))


class Marks:
    """Where a life ends."""

    def __init__(self, server: "Server", life: Life, tell: Connection) -> None:
        self._server, self._life, self._tell = server, life, tell
        self._begin = server.emulator.store.begin
        self._state, self._calls = "", Counter[str]()

    def after_calls(self) -> None:
        """Each call that changes a neighbour, saved."""
        from emulator.neighbours.elbv2 import MotoLoadBalancers  # noqa: PLC0415 - as above
        from emulator.neighbours.environment_ports import EnvironmentResources  # noqa: PLC0415 - as above
        from emulator.neighbours.environment_resources import MotoEnvironmentResources  # noqa: PLC0415 - as above

        names = {name for name in vars(EnvironmentResources) if not name.startswith("_")} - _READING
        for name in names:
            setattr(MotoEnvironmentResources, name, self._marked(name, getattr(MotoEnvironmentResources, name)))
        MotoLoadBalancers.set_weights = self._marked("set_weights", MotoLoadBalancers.set_weights)  # type: ignore[method-assign]

    def _marked(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **members: Any) -> Any:
            answer = original(*args, **members)
            self._calls[name] += 1
            self._mark(f"{self._state} {name} {self._calls[name]}", saved=True)
            return answer

        return call

    def follow_commits(self, *, dies: bool) -> None:
        """Each commit that has changed something of an environment."""
        from emulator.state.beanstalk import (  # noqa: PLC0415 - as above
            BeanstalkInstanceRow,
            DeploymentRow,
            EnvironmentRow,
            EventRow,
        )

        store, touched = self._server.emulator.store, list[bool]()
        kinds = (BeanstalkInstanceRow, DeploymentRow, EnvironmentRow, EventRow)
        store.follow(lambda _session, rows: touched.extend(isinstance(row, kinds) for row in rows))

        @contextmanager
        def begin() -> Iterator[Any]:
            touched.clear()
            with self._begin() as session:
                yield session
            if any(touched):
                self._look()
                if dies:
                    self._mark(self._state, saved=False)

        store.begin = begin  # type: ignore[method-assign]
        self._look()

    def _look(self) -> None:
        from sqlalchemy import select  # noqa: PLC0415 - as above

        from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow  # noqa: PLC0415 - as above

        with self._begin() as session:
            environments = session.scalars(select(EnvironmentRow).order_by(EnvironmentRow.name))
            parts = [_standing(row) for row in environments]
            instances = session.scalars(
                select(BeanstalkInstanceRow).where(BeanstalkInstanceRow.terminated_at.is_(None))
            )
            parts += sorted(f"{one.fleet[0]}{one.deployment}{one.command}{'-' * one.leaving}" for one in instances)
            parts += sorted(f"{one.number}{one.status}" for one in session.scalars(select(DeploymentRow)))
        state = " ".join(parts)
        if state != self._state:
            self._state, self._calls = state, Counter()

    def _mark(self, mark: str, *, saved: bool) -> None:
        if mark in self._life.died_at or crc32(mark.encode()) % self._life.every:
            return
        if saved:
            self._server.world.save()
        if not self._server.emulator.store.in_transaction:  # time does not go back
            with self._begin() as session:
                _remember(self._server, session)
        self._tell.send_bytes(json.dumps({"mark": mark}).encode())
        os.kill(os.getpid(), signal.SIGKILL)


def _standing(row: Any) -> str:
    operation = row.operation or {"stages": ["rest"], "done": [], "progress": None}
    progress = operation["progress"] or {"stage": "", "batch": 0}
    done = (operation["done"] or [""])[-1]
    return f"{row.name} {row.status} {operation['stages'][0]} {done} {progress['stage']} {progress['batch']}"


def _remember(server: "Server", session: Any) -> None:
    from emulator.state.journal import ServerStateRow  # noqa: PLC0415 - as above

    value = {"seconds": 0.0, "stands": server.emulator.clock.now().isoformat()}
    session.merge(ServerStateRow(name="clock", value=value))
