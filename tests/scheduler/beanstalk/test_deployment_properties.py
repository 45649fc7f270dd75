"""What no deployment may ever do, whatever goes wrong meanwhile: instances die, the process is killed, the clock jumps."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.beanstalk.batches import batch_size
from scheduler.beanstalk.model import (
    Adopt,
    Deploy,
    Deregister,
    Fleet,
    OperationKind,
    Outcome,
    Policy,
    Settings,
    Shift,
    Step,
    Terminate,
)
from tests.scheduler.beanstalk.environment_world import NEW, OLD, Quality, Run, Trouble, World, begin

NEW_FLEETS = {Policy.IMMUTABLE, Policy.TRAFFIC_SPLITTING}
CLEAN_UP = {"adopt", "arrive", "retire", "return", "terminate", "settle", "end"}
AGAIN = (
    "Instance deployment",
    "[Instance:",
    "Command execution completed on",
    "Unsuccessful",
    "The following",
    "Added",
    "Removed",
)
"""Events of which there may be several alike: of instances, or of the way back."""

troubles = st.dictionaries(
    st.integers(0, 60),
    st.lists(st.tuples(st.sampled_from(Trouble), st.integers(0, 9)), min_size=1, max_size=2),
    max_size=8,
)
qualities = st.sampled_from(Quality)
rules = st.builds(
    Settings,
    policy=st.sampled_from(Policy),
    batch_size=st.integers(1, 100),
    batch_fixed=st.booleans(),
    command_timeout=st.just(60.0),
    ignore_health=st.booleans(),
    needed_checks=st.integers(0, 4),
    new_version_percent=st.integers(1, 100),
    evaluation_seconds=st.sampled_from([0.0, 60.0, 300.0]),
    rolling_update=st.sampled_from([None, "Time", "Health", "Immutable"]),
    max_batch=st.integers(1, 4),
    min_in_service=st.integers(0, 4),
    pause=st.sampled_from([0.0, 60.0]),
    update_timeout=st.just(300.0),
    rollback_on_failure=st.booleans(),
)
worlds = st.builds(
    World,
    settings=rules,
    quality=qualities,
    desired=st.integers(0, 6),
    command_ticks=st.integers(1, 4),
    preparing=st.integers(0, 4),
)


@dataclass
class Watch:
    """What is checked in every round."""

    run: Run
    desired: int

    def __post_init__(self) -> None:
        self.old = set(self.run.world.instances)
        self.weights = {0, self.run.world.settings.new_version_percent, 100}

    def check(self, taken: Step) -> None:
        world, stage = self.run.world, taken.progress.stage
        assert taken.look_again is None or taken.look_again >= 0
        assert world.temporary is None or world.temporary.weight in self.weights
        assert all(action.percent in self.weights for action in taken.actions if isinstance(action, Shift))
        if self._is_new_fleet and stage not in CLEAN_UP:
            touched = {
                one
                for action in taken.actions
                if isinstance(action, Deploy | Deregister | Terminate | Adopt)
                for one in action.instance_ids
            }
            assert not touched & self.old
        assert world.in_service >= self._floor(taken) - world.deaths

    @property
    def _is_new_fleet(self) -> bool:
        rule, kind = self.run.world.settings, self.run.progress.kind
        if kind is OperationKind.REPLACE:
            return rule.rolling_update == "Immutable"
        return kind is OperationKind.DEPLOY and rule.policy in NEW_FLEETS

    def _floor(self, taken: Step) -> int:
        """Fewest instances that may be in service."""
        rule, ended = self.run.world.settings, "end" in taken.progress.notes
        if rule.ignore_health:
            return 0
        if self._is_new_fleet:
            return self.desired if self.run.world.quality is not Quality.FLAKY else 0
        if self.run.progress.kind is OperationKind.REPLACE:
            return self._floor_of_a_replacement(ended=ended)
        batch = batch_size(rule, self.desired) if self.desired else 0
        match rule.policy:
            case Policy.ROLLING:
                return self.desired - batch
            case Policy.ROLLING_WITH_ADDITIONAL_BATCH:
                additional = self.run.progress.kind is OperationKind.DEPLOY and not ended
                return self.desired if additional else self.desired - batch
        return 0

    def _floor_of_a_replacement(self, *, ended: bool) -> int:
        rule = self.run.world.settings
        good = self.run.world.quality is Quality.GOOD and not ended
        if rule.rolling_update is None or not good or rule.min_in_service >= self.run.world.maximum:
            return 0
        return min(rule.min_in_service, self.desired)


def play(world: World, kind: OperationKind, plan: dict[int, list[tuple[Trouble, int]]]) -> Run:
    """Everything to its end, watched."""
    world.populate()
    run = begin(world, kind)
    watch = Watch(run, world.desired)
    desired = world.desired
    while run.outcome is None:
        watch.check(run.round(plan.get(run.rounds, ())))
        assert run.rounds < 3000, (run.progress, run.look())
    _rests(run, desired)
    return run


def _rests(run: Run, desired: int) -> None:
    """Nothing is left over."""
    world = run.world
    assert world.temporary is None
    assert world.desired == desired
    for _ in range(3):
        world.tick()
    assert len(world.instances) == desired
    assert all(one.fleet is Fleet.PERMANENT for one in world.instances.values())
    told = Counter(message for message in run.messages if not message.startswith(AGAIN))
    assert max(told.values(), default=1) == 1, told


@settings(max_examples=200)
@given(worlds, troubles)
def test_a_deployment_keeps_capacity_ends_and_leaves_nothing_over(
    world: World, plan: dict[int, list[tuple[Trouble, int]]]
) -> None:
    run = play(world, OperationKind.DEPLOY, plan)
    running = {one.deployment for one in world.instances.values()} - {0}
    if run.outcome is Outcome.SUCCEEDED:
        assert running <= {NEW}
    elif world.settings.policy in NEW_FLEETS:
        assert running <= {OLD}
        assert run.outcome in {Outcome.ROLLED_BACK, Outcome.ABORTED}


@settings(max_examples=200)
@given(worlds, troubles)
def test_a_replacement_of_instances_ends_with_one_generation(
    world: World, plan: dict[int, list[tuple[Trouble, int]]]
) -> None:
    run = play(world, OperationKind.REPLACE, plan)
    generations = {one.generation for one in world.instances.values()}
    if run.outcome is Outcome.SUCCEEDED:
        assert generations <= {2}
        assert world.launches == 2
    elif run.outcome is Outcome.ROLLED_BACK or (run.outcome is Outcome.ABORTED and world.settings.rollback_on_failure):
        assert generations <= {1}
        assert world.launches == 1
        assert {one.deployment for one in world.instances.values()} <= {0, OLD}


@settings(max_examples=60)
@given(worlds, troubles)
def test_a_configuration_is_carried_out_or_taken_back(world: World, plan: dict[int, list[tuple[Trouble, int]]]) -> None:
    run = play(world, OperationKind.CONFIGURE, plan)
    running = {one.deployment for one in world.instances.values()} - {0}
    if run.outcome is Outcome.SUCCEEDED:
        assert running <= {NEW}
    elif run.outcome is Outcome.ROLLED_BACK or (run.outcome is Outcome.ABORTED and world.settings.rollback_on_failure):
        assert running <= {OLD}


@settings(max_examples=60)
@given(worlds, troubles)
def test_a_restart_ends_and_cannot_be_aborted(world: World, plan: dict[int, list[tuple[Trouble, int]]]) -> None:
    assert play(world, OperationKind.RESTART, plan).outcome is not Outcome.ABORTED


@settings(max_examples=60)
@given(worlds, troubles)
def test_a_launch_ends(world: World, plan: dict[int, list[tuple[Trouble, int]]]) -> None:
    world.current = 0
    run = begin(world, OperationKind.LAUNCH)
    while run.outcome is None:
        run.round(plan.get(run.rounds, ()))
        assert run.rounds < 1000
    if world.quality is Quality.GOOD and not plan:
        assert run.outcome is Outcome.SUCCEEDED
        assert world.in_service == world.desired


@pytest.mark.parametrize("kind", [OperationKind.DEPLOY, OperationKind.CONFIGURE, OperationKind.REPLACE])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("at", range(0, 40, 5))
def test_an_abort_in_any_round_ends_as_aborted_or_comes_too_late(kind: OperationKind, policy: Policy, at: int) -> None:
    rule = Settings(
        policy=policy, batch_size=1, batch_fixed=True, command_timeout=60, needed_checks=2, rolling_update="Health"
    )
    run = play(World(rule), kind, {at: [(Trouble.ABORT, 0)]})
    assert run.outcome is (Outcome.ABORTED if run.progress.aborting else Outcome.SUCCEEDED)
    if at == 0:
        assert run.outcome is Outcome.ABORTED


@pytest.mark.parametrize("kind", [OperationKind.DEPLOY, OperationKind.REPLACE])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("which", [0, 2, 4])
def test_an_instance_may_die_in_any_round(kind: OperationKind, policy: Policy, which: int) -> None:
    update = "Immutable" if policy is Policy.IMMUTABLE else "Health"
    rule = Settings(
        policy=policy, batch_size=1, batch_fixed=True, command_timeout=60, needed_checks=2, rolling_update=update
    )
    for at in range(50):
        run = play(World(rule, desired=2), kind, {at: [(Trouble.DEATH, which)]})
        assert run.outcome is Outcome.SUCCEEDED, at
