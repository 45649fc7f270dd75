"""The order of environments that link to each other."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.composition import LinkCycleError, linked_first

NAMES = st.sampled_from("abcdef")
LINKS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3))


def test_what_is_linked_to_comes_first_and_the_rest_as_given() -> None:
    assert linked_first({"front": ["worker", "database"], "worker": ["database"], "admin": [], "database": []}) == [
        "database", "worker", "front", "admin",
    ]  # fmt: skip


def test_a_circle_is_named() -> None:
    with pytest.raises(LinkCycleError) as caught:
        linked_first({"a": ["b"], "b": ["c"], "c": ["b"]})
    assert caught.value.names == ("b", "c")


@given(LINKS)
def test_either_every_link_leads_back_or_there_is_a_circle(links: dict[str, list[str]]) -> None:
    try:
        ordered = linked_first(links)
    except LinkCycleError as error:
        circle = [*error.names, error.names[0]]
        assert all(after in links[before] for before, after in pairwise(circle))
        return
    assert sorted(ordered) == sorted(links)
    for number, name in enumerate(ordered):
        assert {other for other in links[name] if other in links} <= set(ordered[:number])
