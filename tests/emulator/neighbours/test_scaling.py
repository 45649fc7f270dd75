"""What moto keeps of metrics, as alarms read it."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from emulator.neighbours.scaling import _values


@given(some.lists(some.floats(0, 1000), min_size=1, max_size=50))
def test_a_set_of_statistics_is_as_good_as_its_samples(samples: list[float]) -> None:
    item = SimpleNamespace(sample_count=len(samples), sum=sum(samples), min=min(samples), max=max(samples))
    found = _values(item)
    assert len(found) == len(samples)
    assert sum(found) == pytest.approx(sum(samples), abs=1e-6)
    assert min(found) == pytest.approx(min(samples), abs=1e-6)
    assert max(found) == pytest.approx(max(samples), abs=1e-6)
