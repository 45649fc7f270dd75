"""The loop `minute`: at each whole minute of the clock metrics are published, alarms evaluated, services scaled.

Keys are `account/region`. A place where nothing is measured, watched or scaled is not looked at again until it is woken.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from emulator.autoscaling.alarms import evaluate_alarms
from emulator.autoscaling.group_scaling import scale_groups
from emulator.autoscaling.group_schedules import run_schedules
from emulator.autoscaling.service_scaling import scale_services
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.metrics.container_metrics import points
from emulator.metrics.usage import Sampler, Usage
from emulator.runtime.simulated import SimulatedRuntime
from emulator.state.ecs import ContainerInstanceRow, ServiceRow, TaskRow

_MINUTE = timedelta(minutes=1)


class MinuteLoop:
    """Does each minute's work of each account and region."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._due: dict[str, datetime] = {}
        self._trimmed: dict[str, datetime] = {}
        """The hour in which old data points were looked for last."""
        self._sampler = Sampler(emulator.runtime)
        emulator.loops.add("minute", self.handle)

    def start(self) -> None:
        """Wake every place that has something."""
        with self._emulator.store.begin() as session:
            self._emulator.metrics.load(session)
            rows = [
                *session.execute(select(ServiceRow.account, ServiceRow.region).distinct()),
                *session.execute(select(ContainerInstanceRow.account, ContainerInstanceRow.region).distinct()),
            ]
        places = {(account, region) for account, region in rows}
        if self._emulator.scaling is not None:
            places |= set(self._emulator.scaling.scalable_places())
        self._emulator.loops.wake("minute", *sorted("/".join(place) for place in places))

    def forget(self) -> None:
        """After a reset nothing is due."""
        self._due.clear()
        self._trimmed.clear()

    async def handle(self, keys: list[str]) -> None:
        """What is woken between two minutes waits for the next one."""
        for key in keys:
            now = _whole(self._emulator.clock.now())
            due = self._due.get(key)
            if due is not None and due <= now:
                if not await self._work(key, now):
                    del self._due[key]
                    continue
            elif due is not None:
                continue  # it is asked for already
            self._due[key] = now + _MINUTE
            self._emulator.loops.wake_at("minute", key, now + _MINUTE)

    async def _work(self, key: str, now: datetime) -> bool:
        """One minute of one place; whether there is to be another."""
        account, region = key.split("/")
        measured = await self._measured(account, region)
        with self._emulator.transaction(account, region) as context:
            found = points(context, now - _MINUTE, measured)
            self._emulator.metrics.prune(context.session, now)
            self._emulator.metrics.publish(context, found)
            busy = bool(found) or _has_services(context)
        balancer = self._emulator.balancer
        if balancer is not None:
            busy |= balancer.publish_metrics(account, region, now - _MINUTE)
        scaling = self._emulator.scaling
        if scaling is None:
            return busy
        if self._trimmed.get(key) != now.replace(minute=0):
            self._trimmed[key] = now.replace(minute=0)
            scaling.trim(account, region, now)
        with self._emulator.transaction(account, region) as context:
            evaluated = evaluate_alarms(context, scaling, now)
        if self._emulator.groups is not None:
            with self._emulator.transaction(account, region) as context:
                scale_groups(context, self._emulator.groups, evaluated, now)
                busy |= run_schedules(context, self._emulator.groups, now)
        with self._emulator.transaction(account, region) as context:
            return scale_services(context, scaling, evaluated, now) or bool(evaluated) or busy

    async def _measured(self, account: str, region: str) -> dict[str, Usage]:
        if isinstance(self._emulator.runtime, SimulatedRuntime):
            return {}
        with self._emulator.transaction(account, region) as context:
            rows = context.session.execute(
                select(TaskRow.arn, TaskRow.containers).where(
                    TaskRow.account == account, TaskRow.region == region, TaskRow.last_status == "RUNNING"
                )
            )
            containers = [
                (arn, document["name"])
                for arn, documents in rows
                for document in documents
                if document["lastStatus"] == "RUNNING"
            ]
        return await self._sampler.measure(containers)


def _has_services(context: Context) -> bool:
    its = ServiceRow.account == context.account, ServiceRow.region == context.region, ServiceRow.status == "ACTIVE"
    return context.session.scalar(select(ServiceRow.arn).where(*its).limit(1)) is not None


def _whole(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
