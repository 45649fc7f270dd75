"""Scripts: which one holds, and that they are the same after a restart."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from emulator.runtime.scripts import Script, Scripts
from emulator.state.store import Store

PATTERNS = st.sampled_from(["*", "web:*", "web:1", "api:?", "*/web:1"])
SCRIPTS = st.builds(
    Script,
    pull=st.floats(0, 1000),
    runs_for=st.none() | st.floats(0, 1000),
    exit_code=st.integers(0, 255),
    health=st.sampled_from(["HEALTHY", "UNHEALTHY", "UNKNOWN"]),
    pull_error=st.none() | st.text(max_size=20),
)
GIVEN = st.lists(st.tuples(PATTERNS, SCRIPTS | st.none()))
"""What was said in this order: a script for a pattern, or that its script goes."""


def said(given: list[tuple[str, Script | None]]) -> Scripts:
    scripts = Scripts()
    for pattern, script in given:
        if script is None:
            scripts.remove(pattern)
        else:
            scripts.set(pattern, script)
    return scripts


@given(GIVEN, st.sampled_from(["web:1", "web:2", "api:1", "repo/web:1", "other"]))
def test_the_newest_that_matches_and_was_not_removed_holds(given: list[tuple[str, Script | None]], image: str) -> None:
    expected = Script()
    for index, (pattern, script) in enumerate(given):
        overruled = any(later == pattern for later, _ in given[index + 1 :])
        if script is not None and not overruled and fnmatchcase(image, pattern):
            expected = script
    assert said(given).of(image) == expected


def test_what_was_saved_is_loaded() -> None:
    scripts, again = said([("b:*", Script(runs_for=0.5, exit_code=3)), ("a:*", Script(health="UNHEALTHY"))]), Scripts()
    store = Store("sqlite://")
    for _ in range(2):
        with store.begin() as session:
            scripts.save(session)
    with store.begin() as session:
        again.load(session)
    assert list(again.newest_first().items()) == list(scripts.newest_first().items())
    store.clear()
    with store.begin() as session:
        again.load(session)
    assert again.newest_first() == {}
    store.close()
