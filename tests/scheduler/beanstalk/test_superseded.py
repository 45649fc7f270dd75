"""What of an environment's deployments may go."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.superseded import Built, superseded

DEPLOYMENTS = st.dictionaries(st.integers(1, 9), st.sampled_from(["a", "b", "c", None])).map(
    lambda found: [Built(number, definition) for number, definition in found.items()]
)


def test_an_old_version_goes_and_the_one_that_a_restart_repeats_stays() -> None:
    known = [Built(1, "old"), Built(2, "new"), Built(3, "new"), Built(4, None)]
    assert superseded(known, {3}) == (1, 4)


@given(DEPLOYMENTS, st.sets(st.integers(1, 9)))
def test_nothing_goes_that_is_needed_and_all_else_does(known: list[Built], needed: set[int]) -> None:
    gone = set(superseded(known, needed))
    held = {one.task_definition for one in known if one.number in needed}
    for one in known:
        shares = one.task_definition is not None and one.task_definition in held
        assert (one.number in gone) is not (one.number in needed or shares)
