"""The loop `environment-health` (key: environment id): every ten seconds of the clock it looks at an environment's instances.

Whoever wakes it, it looks no oftener than that. An environment at rest, that is well and serves nobody, is looked at once a minute.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from emulator.arns import make_arn
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.health_cpu import CpuSampler
from emulator.beanstalk.health_judging import judge
from emulator.beanstalk.health_observations import Outside, counted, traffic_of
from emulator.beanstalk.instances import living
from emulator.beanstalk.option_values import ENVIRONMENT, LAUNCH, values_of
from emulator.beanstalk.permissions import RolePermissions
from emulator.beanstalk.resources.queues import DEAD_LETTERS, QUEUE
from emulator.beanstalk.worker_loop import LOOP as WORKERS_LOOP
from emulator.beanstalk.worker_loop import WorkersLoop
from emulator.beanstalk.workers import is_worker, queues_of
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.iam.checks import Check
from emulator.neighbours.environment_ports import EnvironmentResources, Place
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from scheduler.beanstalk.request_statistics import Requests, since

LOOP = "environment-health"
EVERY = timedelta(seconds=10)
AT_REST = timedelta(seconds=60)
_LATE = timedelta(seconds=15)
"""What was served in more than about ten seconds says nothing of the last ten."""


class HealthLoop:
    """Judges environments.

    Args:
        emulator: the server.
        resources: tells of Auto Scaling groups and roles.
        workers: tells of queues, and of what was posted to instances.

    """

    def __init__(self, emulator: Emulator, resources: EnvironmentResources, workers: WorkersLoop) -> None:
        self._emulator, self._resources, self._workers = emulator, resources, workers
        self._cpu, self._roles = CpuSampler(emulator), RolePermissions(emulator)
        self._looked: dict[str, datetime] = {}
        self._planned: dict[str, datetime] = {}
        self._counted: dict[str, dict[str, Requests]] = {}
        """Environment → instance → all that it had served when it was looked at last."""
        emulator.loops.add(LOOP, self.handle)

    def start(self) -> None:
        """Carry on with every environment that is not terminated."""
        with self._emulator.store.begin() as session:
            ids = list(session.scalars(select(EnvironmentRow.id).where(EnvironmentRow.status != Status.TERMINATED)))
        self._emulator.loops.wake(LOOP, *ids)

    async def handle(self, keys: list[str]) -> None:
        """Look at those that are due."""
        now, due = self._emulator.clock.now(), list[str]()
        for key in keys:
            looked = self._looked.get(key)
            if looked is not None and timedelta() <= now - looked < EVERY:
                self._plan(key, looked + EVERY)
            else:
                due.append(key)
        for key in due:
            self._look(key, now)

    def _plan(self, key: str, when: datetime) -> None:
        planned = self._planned.get(key)
        if planned is None or when < planned or planned <= self._emulator.clock.now():
            self._planned[key] = when
            self._emulator.loops.wake_at(LOOP, key, when)

    def _look(self, key: str, now: datetime) -> None:
        with self._context(key) as found:
            if found is None:
                self._forget(key)
                return
            context, row = found
            containers = self._cpu.containers(context, living(context, key))
            values = values_of(row.bundle_settings, row.settings)
            place, name = Place(row.account, row.region), row.resources.get("group")
            role, profile = values.get(ENVIRONMENT, "ServiceRole"), values.get(LAUNCH, "IamInstanceProfile")
            arn = make_arn("elasticbeanstalk", row.region, row.account, f"environment/{row.application}/{row.name}")
            busy, queues = row.operation is not None, queues_of(row)
        cpu = self._cpu.measure(key, containers)
        group = self._resources.group(place, name) if name else None
        gone = name if name and group is None and not busy else None
        missing = self._missing_role(place, role) if role else None
        depths = {logical: self._workers.queues.depth(queue) for logical, queue in queues.items()}
        if depths.get(QUEUE):
            self._emulator.loops.wake(WORKERS_LOOP, key)
        silenced = self._is_silenced(place, profile, arn)
        seen = Outside(
            group, gone, missing, silenced, cpu, waiting=depths.get(QUEUE), dead_letters=depths.get(DEAD_LETTERS)
        )
        with self._context(key) as found:
            if found is None:
                return
            context, row = found
            items = living(context, key)
            requests, served = self._served(context, row, items, now)
            quiet = judge(context, row, items, replace(seen, requests=requests)) and not served
        self._looked[key] = now
        self._plan(key, now + (AT_REST if quiet else EVERY))

    def _is_silenced(self, place: Place, profile: str, arn: str) -> bool:
        """Whether the instances may not report how they are, for want of a permission of their role."""
        role = self._resources.instance_profile_role(place, profile) if profile else None
        check = Check("elasticbeanstalk:PutInstanceStatistics", arn)
        return bool(role) and self._roles.refusal(place, str(role), "instance", check) is not None

    def _missing_role(self, place: Place, role: str) -> str | None:
        if self._resources.role_arn(place, role) is not None:
            return None
        return role if role.startswith("arn:") else f"arn:aws:iam::{place.account}:role/{role}"

    def _served(
        self, context: Context, row: EnvironmentRow, items: Sequence[BeanstalkInstanceRow], now: datetime
    ) -> tuple[dict[str, Requests], bool]:
        """Instance → what it served in the last ten seconds; and whether any served since the last look."""
        now_served = self._posted(items) if is_worker(row) else traffic_of(context, row, items)
        before, looked = self._counted.get(row.id, {}), self._looked.get(row.id)
        self._counted[row.id] = now_served
        found = {one: since(requests, before.get(one, Requests())) for one, requests in now_served.items()}
        served = any(requests.count for requests in found.values())
        return (found if looked is not None and now - looked <= _LATE else {}), served

    def _posted(self, items: Sequence[BeanstalkInstanceRow]) -> dict[str, Requests]:
        """Instance → all that the daemon has posted to it since the server started."""
        known = self._workers.traffic
        return {item.id: counted(known[item.id]) for item in items if item.id in known}

    @contextmanager
    def _context(self, key: str) -> Iterator[tuple[Context, EnvironmentRow] | None]:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key)
            if row is None or row.status == Status.TERMINATED:
                yield None
                return
            principal = f"arn:aws:iam::{row.account}:root"
            yield Context(session, row.account, row.region, principal, self._emulator.ids.uuid(), self._emulator), row

    def _forget(self, key: str) -> None:
        self._looked.pop(key, None)
        self._planned.pop(key, None)
        self._counted.pop(key, None)
        self._cpu.forget(key)
