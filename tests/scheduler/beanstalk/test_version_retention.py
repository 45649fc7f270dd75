"""Which versions go: rules that hold for every application there could be."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.version_retention import MOST_AT_ONCE, AgeRule, CountRule, VersionFacts, removals

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_versions = st.lists(
    st.builds(
        lambda number, days, in_use: VersionFacts(f"v{number}", NOW - timedelta(days=days), in_use),
        st.integers(0, 10_000),
        st.integers(0, 400),
        st.booleans(),
    ),
    max_size=150,
    unique_by=lambda version: version.label,
)
_counts = st.none() | st.builds(CountRule, st.integers(1, 160), st.booleans())
_ages = st.none() | st.builds(
    lambda days, source: AgeRule(timedelta(days=days), source), st.integers(1, 400), st.booleans()
)


@given(_versions, _counts, _ages)
def test_what_is_in_use_stays_and_a_run_is_bounded(
    versions: list[VersionFacts], count: CountRule | None, age: AgeRule | None
) -> None:
    gone = removals(versions, count, age, NOW)
    known = {version.label: version for version in versions}
    assert len(gone) == len({removal.label for removal in gone}) <= MOST_AT_ONCE
    assert not any(known[removal.label].in_use for removal in gone)
    assert all(removal.reason for removal in gone)
    instants = [known[removal.label].created_at for removal in gone]
    assert instants == sorted(instants)
    if count is None and age is None:
        assert not gone


@given(_versions, _counts, st.none())
def test_no_more_than_the_surplus_goes(versions: list[VersionFacts], count: CountRule | None, age: None) -> None:
    gone = removals(versions, count, age, NOW)
    assert count is None or len(gone) <= max(0, len(versions) - count.most)


@given(_versions, _counts, _ages)
def test_the_rules_come_to_rest(versions: list[VersionFacts], count: CountRule | None, age: AgeRule | None) -> None:
    left = list(versions)
    for _ in range(2):  # a run removes so many, there are at most 150
        gone = {removal.label for removal in removals(left, count, age, NOW)}
        left = [version for version in left if version.label not in gone]
    assert removals(left, count, age, NOW) == ()
    if count is not None and not any(version.in_use for version in versions):
        assert len(left) <= count.most


def test_the_oldest_go_first_with_their_reasons() -> None:
    versions = [VersionFacts(f"v{number}", NOW - timedelta(days=number), number == 3) for number in range(5)]
    gone = removals(versions, CountRule(2, delete_source=True), None, NOW)
    assert [(one.label, one.delete_source, one.reason) for one in gone] == [
        ("v4", True, "more than 2 versions, 4 are newer"),
        ("v2", True, "more than 2 versions, 2 are newer"),
    ]
    (old,) = removals(versions, None, AgeRule(timedelta(days=3)), NOW)
    assert (old.label, old.reason) == ("v4", "older than 3 days")
