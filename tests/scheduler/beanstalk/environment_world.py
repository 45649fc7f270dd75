"""A small world in which a deployment is carried out: groups, a balancer, commands that take time, and things that go wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from scheduler.beanstalk.deployment import step
from scheduler.beanstalk.model import (
    Action,
    Adopt,
    Command,
    CreateTemporary,
    DeleteTemporary,
    Deploy,
    Deregister,
    Fleet,
    Instance,
    LaunchWith,
    OperationKind,
    Outcome,
    Progress,
    Recall,
    Register,
    Resize,
    ResizeTemporary,
    Said,
    Serving,
    Settings,
    Shift,
    Step,
    Temporary,
    Terminate,
    View,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = 1, 2
TICK = 10.0


class Quality(Enum):
    """Of what is deployed."""

    GOOD = auto()
    FAILS = auto()
    """Its command fails."""
    HANGS = auto()
    """Its command never ends."""
    SICK = auto()
    """It starts, but its checks fail."""
    FLAKY = auto()
    """It serves, then its checks fail."""


class Trouble(Enum):
    """What a round may bring."""

    DEATH = auto()
    LOST = auto()
    """The process dies after the commit, before the actions."""
    KILLED = auto()
    """The process dies before the commit."""
    TWICE = auto()
    """Actions are carried out twice."""
    JUMP = auto()
    """The clock jumps."""
    ABORT = auto()


@dataclass(slots=True)
class World:
    """The environment as it is."""

    settings: Settings
    quality: Quality = Quality.GOOD
    desired: int = 3
    maximum: int = 8
    command_ticks: int = 2
    now: datetime = BEGIN
    launches: int = 1
    current: int = OLD
    instances: dict[str, Instance] = field(default_factory=dict)
    temporary: Temporary | None = None
    deaths: int = 0
    made: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    """Ticks until a command ends."""
    temporary_generation: int = 1
    own_target_group: bool = False
    preparing: int = 0
    """Ticks until what is deployed is prepared."""
    carried: dict[str, int] = field(default_factory=dict)
    """What instances carried out before they were told something else."""
    behind: set[str] = field(default_factory=set)
    """Ids of those in service in the temporary group's own target group, though they left the group."""

    def populate(self) -> None:
        for _ in range(self.desired):
            new = self._launch(Fleet.PERMANENT)
            fit = replace(new, deployment=OLD, command=Command.SUCCEEDED, serving=Serving.IN_SERVICE, healthy_checks=99)
            self.instances[new.id] = fit

    def view(self) -> View:
        return View(
            name="shop",
            now=self.now,
            desired=self.desired,
            minimum=1,
            maximum=self.maximum,
            settings=self.settings,
            instances=tuple(self.instances.values()),
            version="v2",
            current=self.current,
            current_generation=1,
            launches=self.launches,
            group="permanent",
            cname="shop.elasticbeanstalk.com",
            temporary=self.temporary,
            prepared=self.preparing <= 0,
        )

    @property
    def in_service(self) -> int:
        """Instances that serve: those in service behind a target group that requests are forwarded to."""
        weight = self.temporary.weight if self.temporary is not None else 0
        return sum(
            not one.leaving and (one.serving is Serving.IN_SERVICE or (one.id in self.behind and weight > 0))
            for one in self.instances.values()
            if weight < 100 or one.id in self.behind or one.fleet is Fleet.TEMPORARY
        )

    def _launch(self, fleet: Fleet) -> Instance:
        self.made += 1
        new = Instance(f"i-{self.made:03}", fleet, self.now, generation=self.launches)
        if fleet is Fleet.TEMPORARY:
            new = replace(new, generation=self.temporary_generation)
        if not self.settings.load_balanced:
            new = replace(new, serving=Serving.WAITING)
        self.instances[new.id] = new
        return new

    def do(self, action: Action) -> None:
        """Carry an action out; again, it changes nothing."""
        match action:
            case Deploy():
                self._deploy(action)
            case Recall(ids):
                self._recall(ids)
            case Register(ids) | Deregister(ids):
                self._balance(ids, register=isinstance(action, Register))
            case Terminate(ids, replaced):
                for one in self._here(ids):
                    if not one.leaving and not replaced:
                        self.desired -= 1
                    self.instances[one.id] = replace(one, leaving=True, serving=Serving.DRAINING)
            case Adopt(ids):
                self._adopt(ids)
            case Resize(desired):
                self.desired = desired
            case LaunchWith(generation):
                self.launches = generation
            case _:
                self._do_temporary(action)

    def _do_temporary(self, action: Action) -> None:
        match action:
            case CreateTemporary(desired, _, generation, own):
                self.own_target_group = own
                self.temporary = self.temporary or Temporary("temporary", desired)
                self.temporary_generation = generation
            case ResizeTemporary(desired) if self.temporary:
                self.temporary = replace(self.temporary, desired=desired)
            case Shift(percent) if self.temporary:
                self.temporary = replace(self.temporary, weight=percent)
            case DeleteTemporary():
                assert self.temporary is None or self.temporary.weight == 0
                self.temporary = None
                for one in list(self.instances.values()):
                    if one.fleet is Fleet.TEMPORARY:
                        self.instances[one.id] = replace(one, leaving=True)

    def _here(self, ids: Sequence[str]) -> list[Instance]:
        return [self.instances[one] for one in ids if one in self.instances]

    def _deploy(self, action: Deploy) -> None:
        for one in self._here(action.instance_ids):
            if one.deployment != action.deployment:
                told = replace(one, deployment=action.deployment, command=Command.RUNNING, healthy_checks=0)
                self.instances[one.id] = told
                self.carried[one.id] = one.deployment
                self.ends[one.id] = self.command_ticks

    def _recall(self, ids: Sequence[str]) -> None:
        for one in self._here(ids):
            if one.command is Command.RUNNING:
                before = self.carried[one.id]
                command = Command.SUCCEEDED if before else Command.NONE
                self.instances[one.id] = replace(one, deployment=before, command=command)

    def _balance(self, ids: Sequence[str], *, register: bool) -> None:
        for one in self._here(ids):
            if register and one.serving in {Serving.OUT, Serving.DRAINING} and not one.leaving:
                self.instances[one.id] = replace(one, serving=Serving.WAITING)
            elif not register and one.serving in {Serving.WAITING, Serving.IN_SERVICE}:
                self.instances[one.id] = replace(one, serving=Serving.DRAINING, healthy_checks=0)

    def _adopt(self, ids: Sequence[str]) -> None:
        for one in self._here(ids):
            if one.fleet is Fleet.TEMPORARY and self.temporary is not None:
                serving = Serving.WAITING if self.own_target_group else one.serving
                self.instances[one.id] = replace(one, fleet=Fleet.PERMANENT, serving=serving)
                if self.own_target_group and one.serving is Serving.IN_SERVICE:
                    self.behind.add(one.id)
                self.desired += 1
                self.temporary = replace(self.temporary, desired=self.temporary.desired - 1)

    def die(self, index: int) -> None:
        """An instance ends by itself."""
        if self.instances:
            ids = sorted(self.instances)
            del self.instances[ids[index % len(ids)]]
            self.deaths += 1

    def tick(self, seconds: float = TICK) -> None:
        """Time passes, and what takes time gets on."""
        self.now += timedelta(seconds=seconds)
        self.preparing -= 1
        for one in list(self.instances.values()):
            if one.leaving:
                del self.instances[one.id]
            else:
                self.instances[one.id] = self._later(one)
        self._scale(Fleet.PERMANENT, self.desired)
        if self.temporary is not None:
            self._scale(Fleet.TEMPORARY, self.temporary.desired)

    def _scale(self, fleet: Fleet, desired: int) -> None:
        mine = [one for one in self.instances.values() if one.fleet is fleet and not one.leaving]
        for _ in range(desired - len(mine)):
            self._launch(fleet)
        newest = sorted(mine, key=lambda one: (one.launched_at, one.id), reverse=True)
        for one in newest[: max(0, len(mine) - desired)]:
            self.instances[one.id] = replace(one, leaving=True)

    def _later(self, one: Instance) -> Instance:
        quality = self.quality if one.deployment == NEW else Quality.GOOD
        begun = self.preparing <= 0 or one.deployment != NEW
        if one.command is Command.RUNNING and quality is not Quality.HANGS and begun:
            self.ends[one.id] -= 1
            if self.ends[one.id] <= 0:
                failed = quality is Quality.FAILS
                one = replace(one, command=Command.FAILED if failed else Command.SUCCEEDED, healthy_checks=0)
        works = one.command is Command.SUCCEEDED and quality is not Quality.SICK
        if one.serving is Serving.DRAINING:
            return replace(one, serving=Serving.OUT)
        if one.serving is Serving.WAITING and works:
            return replace(one, serving=Serving.IN_SERVICE)
        if one.serving is Serving.IN_SERVICE and one.command is Command.RUNNING:
            return one
        if one.serving is Serving.IN_SERVICE and not works:
            return replace(one, serving=Serving.WAITING, healthy_checks=0)
        if quality is Quality.FLAKY and one.healthy_checks >= 5 and one.serving is Serving.IN_SERVICE:
            return replace(one, failed_checks=one.failed_checks + 1)
        good = one.serving is Serving.IN_SERVICE
        return replace(one, healthy_checks=one.healthy_checks + 1 if good else 0)


@dataclass(slots=True)
class Run:
    """An operation from its beginning to its end."""

    world: World
    progress: Progress
    events: list[Said] = field(default_factory=list)
    outcome: Outcome | None = None
    rounds: int = 0

    def look(self) -> Step:
        view = self.world.view()
        taken = step(view, self.progress)
        assert taken == step(view, self.progress)
        return taken

    def round(self, troubles: Sequence[tuple[Trouble, int]] = ()) -> Step:
        """One look of the loop and a tick of the world, with what goes wrong in it."""
        kinds = {kind for kind, _ in troubles}
        taken = self.look()
        if Trouble.ABORT in kinds and taken.abortable:
            self.progress = replace(self.progress, aborting=True)
            taken = self.look()
        if Trouble.KILLED not in kinds:
            self.progress = taken.progress
            self.events.extend(taken.events)
            self.outcome = taken.outcome
            for _ in range(0 if Trouble.LOST in kinds else 2 if Trouble.TWICE in kinds else 1):
                for action in taken.actions:
                    self.world.do(action)
        for kind, index in troubles:
            if kind is Trouble.DEATH:
                self.world.die(index)
        self.world.tick(TICK + (100.0 if Trouble.JUMP in kinds else 0.0))
        self.rounds += 1
        return taken

    def finish(self, rounds: int = 3000) -> Outcome:
        """On and on without trouble, until it ends."""
        while self.outcome is None:
            self.round()
            assert self.rounds < rounds, (self.progress, self.look())
        return self.outcome

    @property
    def messages(self) -> list[str]:
        return [event.message for event in self.events]


def begin(world: World, kind: OperationKind = OperationKind.DEPLOY) -> Run:
    """An operation that was just accepted."""
    generation = 2 if kind is OperationKind.REPLACE else 1
    return Run(world, Progress(kind, NEW, world.now, generation=generation))
