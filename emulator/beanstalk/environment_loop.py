"""The loop `environments` (key: environment id): resources, instances, deployments, one step after another.

Level-triggered: it looks at groups, rows and the operation that the environment's row keeps, writes what it decides with the
events that tell of it, then has the neighbours do what is left. Killed at any point it looks again and finds what is done.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from emulator.balancer.ports import TargetKey
from emulator.beanstalk import commands, endings, leftovers
from emulator.beanstalk.environment_links import awaited, linking
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.fleet_actions import Outside, apply
from emulator.beanstalk.fleet_view import view_of
from emulator.beanstalk.fronts import fronts_of
from emulator.beanstalk.health_loop import LOOP as HEALTH_LOOP
from emulator.beanstalk.instances import Groups, follow, is_occupied, living
from emulator.beanstalk.operation_documents import Operation, Stage, document_of, operation_of
from emulator.beanstalk.preparing import Preparing
from emulator.beanstalk.resources import adjusting, making, removing, tagging
from emulator.beanstalk.resources.addresses import follow_instance
from emulator.beanstalk.resources.facts import Facts, facts_of
from emulator.beanstalk.resources.step import CannotMakeError, Made, Step
from emulator.beanstalk.serving import has_drained
from emulator.beanstalk.worker_loop import LOOP as WORKERS_LOOP
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.neighbours.environment_ports import EnvironmentResources
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from scheduler.beanstalk.deployment import at_rest, step
from scheduler.beanstalk.model import OperationKind, Progress, Severity
from scheduler.beanstalk.model import Step as StepOfPolicy

LOOP = "environments"
_SOON = timedelta(milliseconds=10)
_IDLE = Progress(OperationKind.LAUNCH, 0, datetime.fromtimestamp(0, UTC))
"""Of an environment at rest: no policy looks at it."""
STEPS = {
    Stage.MAKE: making.STEPS,
    Stage.ADJUST: adjusting.STEPS,
    Stage.REMOVE: removing.STEPS,
    Stage.TAG: tagging.STEPS,
}


class EnvironmentsLoop:
    """Carries environments out.

    Args:
        emulator: the server.
        resources: makes and removes what they need.

    """

    def __init__(self, emulator: Emulator, resources: EnvironmentResources) -> None:
        self._emulator, self._resources = emulator, resources
        loop = emulator.loops.add(LOOP, self.handle)
        self.preparing = Preparing(emulator, loop.wake)
        self._leftovers = leftovers.LeftoversLoop(emulator, self.preparing)
        emulator.loops.busy_while(lambda: self.preparing.busy and emulator.runtime.kind == "simulated")
        emulator.neighbours.watch_instances(lambda account, region: loop.wake(f"{account}/{region}"))
        if emulator.balancer is not None:
            emulator.balancer.watch_health(self._health_changed)

    def start(self) -> None:
        """Carry on: look at every environment that is not terminated."""
        with self._emulator.store.begin() as session:
            ids = list(session.scalars(select(EnvironmentRow.id).where(EnvironmentRow.status != "Terminated")))
        self._front()
        self.preparing.untidy.update(ids)
        self._leftovers.start()
        self._emulator.loops.wake(LOOP, *ids)

    async def stop(self) -> None:
        """Leave what is being prepared."""
        await self.preparing.stop()

    @staticmethod
    def _health_changed(context: Context, _arn: str, key: TargetKey) -> None:
        item = context.session.get(BeanstalkInstanceRow, key.id) if key.id.startswith("i-") else None
        if item is not None:
            context.wake(LOOP, item.environment_id)

    async def handle(self, keys: list[str]) -> None:
        """Look at each environment until it stays; of a place, at all that are there."""
        for key in self._expanded(keys):
            self._emulator.loops.wake(HEALTH_LOOP, key)
            self._emulator.loops.wake(WORKERS_LOOP, key)
            self.preparing.look(key)
            if key in self.preparing.untidy:
                self.preparing.tidy(key)
            while self._step(key):
                self.preparing.look(key)
        self._front()

    def _front(self) -> None:
        """Have the data plane serve environments where they are now."""
        balancer = self._emulator.balancer
        if balancer is not None:
            with self._emulator.store.begin() as session:
                fronts, groups = fronts_of(session, simulated=self._emulator.runtime.kind == "simulated")
            balancer.front(fronts, groups)

    def _expanded(self, keys: Sequence[str]) -> list[str]:
        """Ids in place of `ACCOUNT/REGION`."""
        found = dict.fromkeys(key for key in keys if "/" not in key)
        places = [key.split("/") for key in keys if "/" in key]
        with self._emulator.store.begin() as session:
            for account, region in places:
                its = EnvironmentRow.account == account, EnvironmentRow.region == region
                query = select(EnvironmentRow.id).where(*its, EnvironmentRow.status != "Terminated")
                found.update(dict.fromkeys(session.scalars(query)))
        return list(found)

    def _step(self, key: str) -> bool:
        """One step; whether there is to be another at once."""
        found = self._facts(key)
        if found is None:
            return False
        facts, operation = found
        self._follow(key, facts)
        if operation is None or operation.stages[0] is Stage.CARRY:
            return self._carry(key, facts)
        if operation.stages[0] is Stage.LINK:
            return self._linked(key, operation)
        if operation.stages[0] is Stage.READ:
            return self._read(key)
        if operation.stages[0] is Stage.END:
            with self._context(key) as (context, row):
                endings.end(context, row, operation)
                context.wake(LOOP, *(other.id for other in linking(context, row)))
                ended = row.status == "Terminated"
                if ended:
                    context.wake(leftovers.LOOP, key)
            if not ended:
                self.preparing.tidy(key)
            return not ended  # at rest there may be instances that nobody has looked at
        return self._resource(key, facts, operation)

    def _facts(self, key: str) -> tuple[Facts, Operation | None] | None:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key)
            if row is None or row.status == "Terminated":
                return None
            return facts_of(row), operation_of(row.operation)

    @contextmanager
    def _context(self, key: str) -> Iterator[tuple[Context, EnvironmentRow]]:
        """A transaction on an environment. What it tells of the neighbours is on their disk before it is on ours."""
        with self._emulator.store.begin() as session:
            row = session.get_one(EnvironmentRow, key)
            principal = f"arn:aws:iam::{row.account}:root"
            yield (
                Context(session, row.account, row.region, principal, self._emulator.ids.uuid(), self._emulator),
                row,
            )
            self._resources.keep()

    # instances

    def _groups(self, facts: Facts) -> Groups:
        temporary = (facts.resources.get("temporary") or {}).get("group")
        name = facts.resources.get("group")
        return Groups(
            self._resources.group(facts.place, name) if name else None,
            self._resources.group(facts.place, temporary) if temporary else None,
        )

    def _follow(self, key: str, facts: Facts) -> None:
        """Rows in step with the groups; instances that leave and have nothing to finish any more end."""
        groups = self._groups(facts)
        follow_instance(self._resources, facts, groups)
        known = {one.id: one for one in self._emulator.neighbours.instances(facts.place.account, facts.place.region)}
        with self._context(key) as (context, row):
            follow(context, row, groups, known)
            leaving = [item for item in living(context, key) if item.leaving and item.fleet == "permanent"]
            gone = [(item.id, item.replaced) for item in leaving if has_drained(context, row, item)]
        for replaced in (False, True):
            ids = [one for one, wanted in gone if wanted is replaced]
            if ids and facts.resources.get("group"):
                self._resources.end_instances(facts.place, facts.resources["group"], ids, replaced=replaced)
        if gone:
            with self._context(key) as (context, row):
                known = {one.id: one for one in self._emulator.neighbours.instances(row.account, row.region)}
                follow(context, row, self._groups(facts), known)

    def _carry(self, key: str, facts: Facts) -> bool:
        """One step of the policy, or of an environment at rest."""
        groups = self._groups(facts)
        with self._context(key) as (context, row):
            instances = living(context, key)
            before = [(item.command, item.deployment, item.task_arn) for item in instances]
            delays = _advance(context, row, instances)
            operation = operation_of(row.operation)
            view = view_of(context, row, groups, instances, operation.deployment if operation else 0)
            if operation is not None and operation.progress is not None:
                taken = step(view, operation.progress)
                self._write(context, row, operation, taken)
            else:
                taken = StepOfPolicy(_IDLE, at_rest(view) if row.status == "Ready" else ())
            outside = apply(context, row, groups, instances, taken.actions)
            delays += _advance(context, row, instances)
            if taken.look_again is not None:
                delays.append(timedelta(seconds=taken.look_again))
            changed = before != [(item.command, item.deployment, item.task_arn) for item in instances]
            now = context.now
        for do in outside:
            self._outside(key, do)
        if delays:
            self._emulator.loops.wake_at(LOOP, key, now + max(min(delays), _SOON))
        return taken.outcome is not None or changed or bool(outside)

    @staticmethod
    def _write(context: Context, row: EnvironmentRow, operation: Operation, taken: StepOfPolicy) -> None:
        for event in taken.events:
            tell_environment(context, row, event.message, event.severity, operation.request_id)
        row.abortable = taken.abortable
        waits_for = taken.waits_for if taken.outcome is None else operation.waits_for
        later = replace(operation, progress=taken.progress, waits_for=waits_for)
        if taken.outcome is not None:
            later = endings.carried(context, row, later, taken.outcome)
        row.operation = document_of(later)

    def _outside(self, key: str, do: Outside) -> None:
        with self._context(key) as (_, row):
            facts = facts_of(row)
        changed = do(self._resources, facts)
        if changed:
            with self._context(key) as (_, row):
                row.resources = {**row.resources, **changed}

    def _linked(self, key: str, operation: Operation) -> bool:
        """Whether those that it links to are at rest, so that it may go on."""
        with self._context(key) as (context, row):
            if awaited(context, row):
                return False
            endings.next_stage(context, row, operation)
        return True

    def _read(self, key: str) -> bool:
        with self._context(key) as (context, row):
            operation = operation_of(row.operation)
            number = operation.deployment if operation is not None else 0
            found = context.session.get(DeploymentRow, (key, number))
            if operation is None or found is None or found.status == "Reading":
                return False
            endings.read(context, row, operation, found)
        return True

    # resources

    def _resource(self, key: str, facts: Facts, operation: Operation) -> bool:
        """The next step of making, adjusting or removing."""
        stage = operation.stages[0]
        wanted = next((item for item in STEPS[stage] if item.name not in operation.done and item.wanted(facts)), None)
        if wanted is None:
            with self._context(key) as (context, row):
                endings.next_stage(context, row, operation)
            return True
        if wanted.name == removing.GONE:
            with self._context(key) as (context, _):
                if is_occupied(context, key):
                    return False
        return self._do(key, facts, wanted)

    def _do(self, key: str, facts: Facts, wanted: Step) -> bool:
        try:
            made, problem = wanted.do(self._resources, facts), None
        except CannotMakeError as error:
            made, problem = Made(), str(error)
        with self._context(key) as (context, row):
            operation = operation_of(row.operation)
            if operation is None:
                return False
            if problem is not None:
                tell_environment(context, row, problem, Severity.ERROR, operation.request_id)
                endings.cannot_make(context, row, operation)
                return True
            for message in made.events:
                tell_environment(context, row, message, request_id=operation.request_id)
            row.resources = {**row.resources, **made.resources}
            context.wake("minute", f"{row.account}/{row.region}")  # alarms may be there now
            endings.look_at_addresses(context, row)
            row.operation = document_of(replace(operation, done=(*operation.done, wanted.name)))
        return True


def _advance(context: Context, row: EnvironmentRow, instances: Sequence[BeanstalkInstanceRow]) -> list[timedelta]:
    """One step of each instance's command; when to look again."""
    found = [commands.advance(context, row, item) for item in instances]
    return [delay for delay in found if delay is not None]


__all__ = ["LOOP", "STEPS", "EnvironmentsLoop"]
