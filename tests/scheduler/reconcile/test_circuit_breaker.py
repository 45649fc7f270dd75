"""AWS's table of thresholds, and what the count never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.circuit_breaker import Breaker, Seen, ThresholdType, count, threshold

breakers = st.builds(Breaker, st.integers(0, 300), ran=st.booleans())
sights = st.builds(
    Seen,
    failed_starts=st.integers(0, 5),
    failed_checks=st.integers(0, 5),
    runs=st.booleans(),
    became_healthy=st.booleans(),
)


@pytest.mark.parametrize(("desired", "expected"), [(1, 3), (5, 3), (10, 5), (25, 13), (200, 100), (800, 200)])
def test_the_documented_thresholds(desired: int, expected: int) -> None:
    assert threshold(desired) == expected


def test_configured_thresholds() -> None:
    assert threshold(1000, ThresholdType.COUNT, 7) == 7
    assert threshold(1000, ThresholdType.BOUNDED_PERCENT, 10) == 100
    assert threshold(1000, ThresholdType.UNBOUNDED_PERCENT, 90) == 900
    assert threshold(1, ThresholdType.UNBOUNDED_PERCENT, 10) == 1


@given(st.integers(0, 5000), st.sampled_from(ThresholdType), st.integers(0, 100))
def test_a_breaker_never_trips_without_a_failure(desired: int, kind: ThresholdType, value: int) -> None:
    assert threshold(desired, kind, value) >= 1


@given(breakers, sights, st.booleans())
def test_the_second_stage_is_never_left(breaker: Breaker, seen: Seen, resets: bool) -> None:
    after = count(breaker, seen, resets=resets)
    assert after.ran == (breaker.ran or seen.runs)


@given(breakers, sights)
def test_failed_starts_never_count_once_a_task_has_run(breaker: Breaker, seen: Seen) -> None:
    after = count(Breaker(breaker.failures, ran=True), seen, resets=False)
    assert after.failures == breaker.failures + seen.failed_checks


@given(breakers, sights)
def test_without_resets_the_count_of_a_stage_never_falls(breaker: Breaker, seen: Seen) -> None:
    after = count(breaker, seen, resets=False)
    assert after.failures >= breaker.failures or after.ran != breaker.ran


def test_a_task_that_becomes_healthy_sets_the_count_back() -> None:
    assert count(Breaker(2, ran=True), Seen(runs=True, became_healthy=True)).failures == 0
    assert count(Breaker(2, ran=True), Seen(runs=True, became_healthy=True, failed_checks=1)).failures == 1
    assert count(Breaker(2), Seen(failed_starts=1)) == Breaker(3)
    assert count(Breaker(2), Seen(failed_starts=1, runs=True)) == Breaker(0, ran=True)
