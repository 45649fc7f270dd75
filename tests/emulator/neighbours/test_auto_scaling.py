"""Where a group's next instance goes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from emulator.neighbours.auto_scaling import least_used


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True), st.integers(0, 40))
def test_places_differ_by_one_at_most(places: list[str], count: int) -> None:
    used: list[str] = []
    for _ in range(count):
        used.append(least_used(places, used))
    counts = Counter(used)
    sizes = [counts[place] for place in places]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_what_is_elsewhere_does_not_count(used: list[str]) -> None:
    assert least_used(["x", "y"], [*used, "x"]) == "y"
