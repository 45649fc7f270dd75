"""Prepares deployments: from a version's bundle to the task definition that its instances run. Once for all of them.

Prepared beside the loop, because images are built and pulled; the row says how far it is, so that a restart begins anew.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select

from emulator.beanstalk.application_cluster import ecs_context
from emulator.beanstalk.built_images import left_over, note_removed
from emulator.beanstalk.bundle_tasks import (
    Job,
    Prepared,
    PreparingError,
    forget_deployment,
    prepare,
    read_settings,
)
from emulator.beanstalk.environment_creation import LOOP
from emulator.beanstalk.environment_options import put_together
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.operation_documents import operation_of
from emulator.ecs.task_definitions import register_task_definition
from emulator.emulator import Emulator
from emulator.state.beanstalk import DeploymentRow, EnvironmentRow
from scheduler.beanstalk.model import Severity

_LOG = structlog.get_logger()
_TIDYING = -1
"""In place of a deployment's number."""
_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Key:
    """Which deployment."""

    environment_id: str
    number: int


class Preparing:
    """Prepares what is not prepared yet, each in the background.

    Args:
        emulator: the server.
        done: is called with the environment's id after each.

    """

    def __init__(self, emulator: Emulator, done: Callable[[str], None]) -> None:
        self._emulator, self._done = emulator, done
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self.untidy: set[str] = set()
        """Environments of which something could not be removed yet."""
        self._held: set[str] = set()

    @property
    def busy(self) -> bool:
        """Something is being prepared, and does not wait for the clock, as simulated builds do."""
        return not all(self._emulator.clock.has_asleep(task) for task in self._under_way.values())

    def look(self, environment_id: str) -> None:
        """Begin what waits."""
        if environment_id in self._held:
            return
        with self._emulator.store.begin() as session:
            mine = EnvironmentRow.id == environment_id, EnvironmentRow.status != "Terminated"
            query = select(DeploymentRow.number).join(EnvironmentRow, EnvironmentRow.id == DeploymentRow.environment_id)
            waiting, failed = (
                [Key(environment_id, number) for number in session.scalars(query.where(*mine, which))]
                for which in (DeploymentRow.status.in_(("Reading", "Preparing")), DeploymentRow.status == "Failed")
            )
        for key in failed:
            if key in self._under_way:
                self._under_way.pop(key).cancel()  # its update was aborted
        for key in waiting:
            if key not in self._under_way:
                self._under_way[key] = asyncio.create_task(self._run(key), name=f"prepare {key}")

    @asynccontextmanager
    async def nothing_of(self, environment_id: str) -> AsyncIterator[None]:
        """Give up what is prepared for an environment; meanwhile nothing is begun for it."""
        self._held.add(environment_id)
        try:
            await self._abandon([key for key in self._under_way if key.environment_id == environment_id])
            yield
        finally:
            self._held.discard(environment_id)
            self._done(environment_id)  # it may have been restored meanwhile

    def tidy(self, environment_id: str) -> None:
        """Remove in the background what was made for deployments that nobody needs any more; what is in use waits in `untidy`."""
        self.untidy.discard(environment_id)
        key = Key(environment_id, _TIDYING)
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._tidy(key), name=f"tidy {environment_id}")

    async def _tidy(self, key: Key) -> None:
        try:
            for number in self._left_over(key.environment_id):
                if await forget_deployment(self._emulator, key.environment_id, number):
                    with self._emulator.transaction(*self._place(key)) as context:
                        note_removed(context, key.environment_id, number)
                else:
                    self.untidy.add(key.environment_id)
        except Exception:  # noqa: BLE001 - the task's outermost frame: what is left is removed after the next operation
            _LOG.exception("what was built for a deployment could not be removed", environment=key.environment_id)
        finally:
            self._ended(key)
        if key.environment_id in self.untidy:
            self._emulator.loops.wake_at(LOOP, key.environment_id, self._emulator.clock.now() + _AGAIN)

    def _left_over(self, environment_id: str) -> tuple[int, ...]:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, environment_id)
            place = None if row is None else (row.account, row.region)
        if place is None:
            return ()
        with self._emulator.transaction(*place) as context:
            return left_over(context, context.session.get_one(EnvironmentRow, environment_id))

    async def stop(self) -> None:
        """Leave what is under way; it begins anew after the next start."""
        await self._abandon(list(self._under_way))

    async def _abandon(self, keys: list[Key]) -> None:
        tasks = [self._under_way.pop(key) for key in keys]  # one that never began would not take itself out
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: Key) -> None:
        try:
            job = self._job(key)
            if job is not None:
                try:
                    if job.reads:
                        settings = self._read(key, await read_settings(self._emulator, job))
                        job = replace(job, settings=tuple(settings), reads=False)
                        self._done(key.environment_id)
                    self._prepared(key, await prepare(self._emulator, job))
                except PreparingError as error:
                    self._failed(key, error.events, error.log)
        except Exception:  # noqa: BLE001 - the task's outermost frame: our bug, told as the deployment's failure
            _LOG.exception("a deployment could not be prepared", environment=key.environment_id, number=key.number)
            self._failed(key, ("Engine execution has encountered an error.",))
        finally:
            self._ended(key)
            self._done(key.environment_id)

    def _ended(self, key: Key) -> None:
        """What was given up may have been begun anew meanwhile."""
        if self._under_way.get(key) is asyncio.current_task():
            del self._under_way[key]

    def _job(self, key: Key) -> Job | None:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key.environment_id)
            found = session.get(DeploymentRow, (key.environment_id, key.number))
            if row is None or found is None or found.status not in {"Reading", "Preparing"}:
                return None
            last = session.get(DeploymentRow, (key.environment_id, row.deployment))
            return Job(
                environment_id=row.id,
                environment_name=row.name,
                account=row.account,
                region=row.region,
                number=found.number,
                version_label=found.version_label,
                bucket=found.bucket,
                key=found.key,
                platform_arn=found.platform_arn,
                tier=row.tier["Name"],
                settings=tuple(found.settings),
                reads=found.status == "Reading",
                configuration=last is not None and _source(last) == _source(found),
            )

    def _read(self, key: Key, settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take the bundle's option settings over: those that were set otherwise win."""
        with self._emulator.transaction(*self._place(key)) as context:
            row = context.session.get_one(EnvironmentRow, key.environment_id)
            found = context.session.get_one(DeploymentRow, (key.environment_id, key.number))
            if found.status != "Reading":  # its update was aborted
                return found.settings
            found.settings, found.status = put_together(settings, found.settings), "Preparing"
            if row.draft is not None and row.draft["status"] == "pending":
                row.draft = {**row.draft, "bundle_settings": settings}
            else:
                row.bundle_settings = settings
            return found.settings

    def _prepared(self, key: Key, prepared: Prepared) -> None:
        with self._emulator.transaction(*self._place(key)) as context:
            row = context.session.get_one(EnvironmentRow, key.environment_id)
            found = context.session.get(DeploymentRow, (key.environment_id, key.number))
            if found is None or found.status != "Preparing":
                return
            definition = register_task_definition(ecs_context(context, row), prepared.task_definition)
            found.task_definition_arn = definition["taskDefinition"]["taskDefinitionArn"]
            found.port, found.status = prepared.port, "Prepared"
            found.outcome = {**found.outcome, **prepared.outcome}
            operation = operation_of(row.operation)
            for said in prepared.events:
                request_id = operation.request_id if operation is not None else None
                tell_environment(context, row, said.message, said.severity, request_id)

    def _failed(self, key: Key, events: tuple[str, ...], log: tuple[str, ...] = ()) -> None:
        with self._emulator.transaction(*self._place(key)) as context:
            row = context.session.get_one(EnvironmentRow, key.environment_id)
            found = context.session.get(DeploymentRow, (key.environment_id, key.number))
            if found is None or found.status not in {"Reading", "Preparing"}:
                return
            found.status, found.failure = "Failed", events[-1]
            found.outcome = {**found.outcome, "log": list(log)}
            operation = operation_of(row.operation)
            request_id = operation.request_id if operation is not None else None
            for message in events:
                tell_environment(context, row, message, Severity.ERROR, request_id)

    def _place(self, key: Key) -> tuple[str, str]:
        with self._emulator.store.begin() as session:
            row = session.get_one(EnvironmentRow, key.environment_id)
            return row.account, row.region


def _source(row: DeploymentRow) -> tuple[object, ...]:
    return row.version_label, row.bucket, row.key, row.platform_arn
