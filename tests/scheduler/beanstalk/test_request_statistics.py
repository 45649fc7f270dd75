"""The last ten seconds of requests: counted whole, quantiles within two percent, memory that does not grow."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.request_statistics import QUANTILES, Requests, RequestWindow, together

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_old_requests_fall_away() -> None:
    window = RequestWindow()
    for second in range(30):
        window.add(NOW + timedelta(seconds=second), 200, 0.1)
    assert window.requests(NOW + timedelta(seconds=29)).count == 10
    assert window.requests(NOW + timedelta(seconds=35)).count == 4
    assert window.requests(NOW + timedelta(seconds=60)).count == 0


def test_status_classes_and_shares() -> None:
    window = RequestWindow()
    for status in (200, 204, 301, 404, 500, 503, 101):
        window.add(NOW, status, 0.01)
    found = window.requests(NOW)
    assert found.classes == {2: 3, 3: 1, 4: 1, 5: 2}
    assert found.share(5) == pytest.approx(200 / 7)
    assert Requests().share(5) == 0.0
    assert Requests().quantiles() == {}


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=300))
def test_quantiles_are_near(latencies: list[float]) -> None:
    window = RequestWindow()
    for latency in latencies:
        window.add(NOW, 200, latency)
    found = window.requests(NOW).quantiles()
    assert found.keys() == QUANTILES.keys()
    for name, percent in QUANTILES.items():
        true = sorted(latencies)[math.ceil(len(latencies) * percent / 100 - 1e-9) - 1]
        assert found[name] == pytest.approx(true, rel=0.011, abs=0.0006)


@given(st.lists(st.tuples(st.sampled_from([200, 404, 500]), st.floats(0, 1e9)), max_size=200))
def test_memory_is_bounded_and_instances_add_up(requests: list[tuple[int, float]]) -> None:
    one, other, whole = RequestWindow(), RequestWindow(), RequestWindow()
    for number, (status, latency) in enumerate(requests):
        (one if number % 2 else other).add(NOW, status, latency)
        whole.add(NOW, status, latency)
    found = whole.requests(NOW)
    assert together([one.requests(NOW), other.requests(NOW)]) == found
    assert found.count == len(requests)
    assert len(found.latencies) <= 1201
