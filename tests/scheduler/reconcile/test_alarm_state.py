"""The state of an alarm from the values of its window."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.reconcile.alarm_state import COMPARISONS, Rule, state_of

HIGH = Rule("GreaterThanThreshold", 70, 3, 3)


@pytest.mark.parametrize(
    ("rule", "values", "state"),
    [
        (HIGH, [80, 80, 80], "ALARM"),
        (HIGH, [80, 60, 80], "OK"),
        (HIGH, [None, None, None], "INSUFFICIENT_DATA"),
        (HIGH, [None, 80, 80], "INSUFFICIENT_DATA"),
        (Rule("GreaterThanThreshold", 70, 3, 2), [None, 80, 80], "ALARM"),
        (Rule("GreaterThanThreshold", 70, 3, 3, "breaching"), [None, 80, 80], "ALARM"),
        (Rule("GreaterThanThreshold", 70, 1, 1, "notBreaching"), [None], "OK"),
        (Rule("GreaterThanThreshold", 70, 1, 1, "ignore"), [None], "ALARM"),
        (Rule("LessThanOrEqualToThreshold", 70, 1, 1), [70], "ALARM"),
        (Rule("LessThanThreshold", 70, 1, 1), [70], "OK"),
    ],
)
def test_windows(rule: Rule, values: list[float | None], state: str) -> None:
    assert state_of(rule, values, "ALARM")[0] == state


def test_the_reason_is_in_cloudwatchs_words() -> None:
    assert state_of(Rule("GreaterThanThreshold", 70.0, 1, 1), [85.0], "OK")[1] == (
        "Threshold Crossed: 1 out of the last 1 datapoints [85.0] was greater than the threshold (70.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )


@given(
    some.builds(Rule, some.sampled_from(sorted(COMPARISONS)), some.floats(0, 100), some.just(5), some.integers(1, 5)),
    some.lists(some.floats(0, 100), min_size=5, max_size=5),
)
def test_a_whole_window_is_always_decided(rule: Rule, values: list[float]) -> None:
    assert state_of(rule, values, "OK")[0] in {"OK", "ALARM"}
