"""What alarms of scaling policies mean for a service's desired count."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.reconcile.step_scaling import Step, StepPolicy, percent, step_for, wanted
from scheduler.reconcile.target_tracking import TargetView, Wish, decide, tracked_in, tracked_out

TARGET = TargetView(desired=4, minimum=1, maximum=10)


@pytest.mark.parametrize(
    ("capacity", "adjustment", "least", "change"),
    [(127, 10, 0, 12), (10, 10, 0, 1), (11, 30, 0, 3), (2, 10, 0, 1), (5, -10, 0, -1), (20, -33, 0, -6), (2, 10, 2, 2)],
)
def test_percentages_are_rounded_as_aws_does(capacity: int, adjustment: int, least: int, change: int) -> None:
    assert percent(capacity, adjustment, least) == change


def test_steps_have_bounds() -> None:
    policy = StepPolicy("ChangeInCapacity", (Step(1, 0, 10), Step(2, 10, None), Step(-1, -5, 0), Step(-2, None, -5)))
    found = {beyond: step_for(policy, beyond) for beyond in (0, 9.9, 10, -0.1, -5, -5.1)}
    assert [step.adjustment if step else None for step in found.values()] == [1, 1, 2, -1, -2, -2]
    assert wanted(policy, 4, 12) == 6
    assert wanted(StepPolicy("ExactCapacity", (Step(7, 0),)), 4, 3) == 7
    assert wanted(StepPolicy("ChangeInCapacity", (Step(1, 10),)), 4, 3) is None


def test_a_tracked_metric_moves_the_count_in_proportion() -> None:
    assert tracked_out(TARGET, 300, 90, 60) == 6
    assert tracked_out(TARGET, 300, 61, 60) == 5
    assert tracked_in(TARGET, 20, 60) == 2
    assert tracked_in(TARGET, 58, 60) is None


def test_in_a_cooldown_growth_counts_from_before_the_scale_out() -> None:
    just = replace(TARGET, since_out=100, out_from=2, out_to=4)
    assert tracked_out(just, 300, 90, 50) is None  # 2 x 1.8 are there already
    assert tracked_out(just, 300, 150, 50) == 6
    assert tracked_out(just, 60, 90, 50) == 8


def test_the_largest_wish_to_grow_wins_and_all_must_agree_to_shrink() -> None:
    cpu, memory = Wish("cpu", 6, "high-cpu", tracks=True), Wish("memory", 5, "high-memory", tracks=True)
    assert decide(TARGET, [cpu, memory]).desired == 6
    assert decide(TARGET, [cpu, memory]).policy == "cpu"
    shrink = Wish("cpu", 2, "low-cpu", tracks=True)
    assert decide(TARGET, [shrink, replace(memory, wanted=3)]).desired == 3
    assert decide(TARGET, [shrink, replace(memory, wanted=None)]).desired is None
    assert decide(replace(TARGET, deploying=True), [shrink]).desired is None
    assert decide(replace(TARGET, deploying=True), [cpu]).desired == 6


def test_cooldowns() -> None:
    out = Wish("cpu", 6, "high")
    just = replace(TARGET, since_out=100, out_from=2, out_to=6)
    assert decide(just, [out]).desired is None
    assert decide(just, [replace(out, wanted=7)]).desired == 7  # more than the scale-out before
    assert decide(replace(just, since_out=300), [out]).desired == 6
    shrink = Wish("cpu", 2, "low")
    assert decide(replace(TARGET, since_in=100), [shrink]).desired is None
    assert decide(replace(TARGET, since_in=100), [out]).desired == 6
    assert decide(replace(TARGET, since_in=300), [shrink]).desired == 2


def test_bounds_are_told() -> None:
    assert decide(replace(TARGET, desired=10), [Wish("cpu", 12)]).not_scaled == (("AlreadyAtMaxCapacity", 10),)
    assert decide(replace(TARGET, desired=1), [Wish("cpu", 0)]).not_scaled == (("AlreadyAtMinCapacity", 1),)


@given(
    some.builds(
        TargetView,
        some.integers(0, 30),
        some.integers(0, 10),
        some.integers(10, 20),
        some.none() | some.floats(0, 600),
        some.integers(0, 20),
        some.integers(0, 20),
        some.none() | some.floats(0, 600),
        some.booleans(),
        some.booleans(),
        some.booleans(),
    ),
    some.lists(
        some.builds(Wish, some.text(max_size=3), some.none() | some.integers(0, 40), tracks=some.booleans()), max_size=4
    ),
)
def test_what_never_happens(target: TargetView, wishes: list[Wish]) -> None:
    found = decide(target, wishes)
    if found.desired is None:
        return
    assert found.desired != target.desired
    if found.desired > target.desired:
        assert found.desired <= target.maximum
        assert not target.out_suspended
    else:
        assert found.desired >= target.minimum
        assert not target.in_suspended
        assert not target.deploying
        assert all(wish.wanted is not None for wish in wishes if wish.tracks)
        assert not any(wish.wanted is not None and wish.wanted > target.desired for wish in wishes)
