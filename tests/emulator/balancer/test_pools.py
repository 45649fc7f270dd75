"""Who gets requests, and how many: pools from what is known of targets, turns from weights."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from emulator.balancer.pools import Known, pool_of, still_slow, turns
from tests.emulator.balancer.scenes import group

NOW = datetime(2026, 1, 1, tzinfo=UTC)
states = st.sampled_from(["initial", "healthy", "unhealthy", "unused", "draining", "unavailable"])
addresses = st.none() | st.sampled_from(["10.0.0.1:80", "10.0.0.2:80"])
targets = st.lists(st.builds(Known, addresses, states, doubtful=st.booleans()), max_size=6)
weights = st.lists(st.integers(0, 999), min_size=1, max_size=5)


@given(targets)
def test_only_healthy_targets_get_requests_unless_there_is_none(known: list[Known]) -> None:
    pool = pool_of(group(), known, NOW)
    well = [target for target in known if target.state in {"healthy", "unavailable"} and target.address]
    ill = [target for target in known if target.state == "unhealthy" and target.address]
    sure = [target for target in well if not target.doubtful]
    assert [backend.address for backend in pool.backends] == [target.address for target in sure or well or ill]


def test_slow_start_raises_the_share_step_by_step() -> None:
    slow = group(attributes={"slow_start.duration_seconds": "30"})
    new = Known("10.0.0.1:80", "healthy", healthy_since=NOW)
    shares = [pool_of(slow, [new], NOW + timedelta(seconds=passed)).backends[0].weight for passed in (0, 6, 15, 30, 60)]
    assert shares == [1, 2, 5, 10, 10]
    assert still_slow(slow, new, NOW + timedelta(seconds=15))
    assert not still_slow(slow, new, NOW + timedelta(seconds=30))


@given(weights)
def test_turns_keep_the_shares(wanted: list[int]) -> None:
    order = turns(wanted)
    total = sum(wanted)
    if not total:
        assert order == []
        return
    counts = Counter(order)
    for index, weight in enumerate(wanted):
        assert (counts[index] > 0) == (weight > 0)
        assert abs(counts[index] / len(order) - weight / total) <= 0.015


@given(weights)
def test_turns_are_spread_so_that_400_requests_see_the_shares(wanted: list[int]) -> None:
    order = turns(wanted)
    if not order:
        return
    seen = Counter(order[number % len(order)] for number in range(400))
    for index, weight in enumerate(wanted):
        assert abs(seen[index] / 400 - weight / sum(wanted)) <= 0.05
