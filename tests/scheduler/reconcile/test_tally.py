"""Counts kept as tasks change equal a count of them all; a step by counts equals the step that looks at every task."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.service import grow, settled, step
from scheduler.reconcile.service_view import ServiceTask, ServiceView
from scheduler.reconcile.tally import Standing, Tally

standings = st.builds(
    Standing,
    deployment=st.sampled_from(["new", "old"]),
    status=st.sampled_from(["PENDING", "RUNNING", "DEACTIVATING"]),
    wanted=st.booleans(),
    health=st.sampled_from(["HEALTHY", "UNHEALTHY", "UNKNOWN"]),
    protected=st.booleans(),
    zone=st.sampled_from("ab"),
)
changes = st.lists(
    st.tuples(st.sampled_from("123456"), st.none() | st.tuples(standings, st.sampled_from([None, "a", "b"]))),
    max_size=40,
)
plain = st.builds(
    ServiceTask,
    arn=st.uuids().map(str),
    primary=st.just(True),
    running_for=st.sampled_from([None, 0.0, 39.0, 1000.0]),
    health=st.sampled_from([None, "HEALTHY", "UNKNOWN"]),
    zone=st.sampled_from("abc"),
    host=st.sampled_from(["", "1", "2"]),
)


@given(changes)
def test_counts_equal_a_count_of_all_tasks(
    played: list[tuple[str, tuple[Standing, str | None] | None]],
) -> None:
    tally = Tally()
    tasks: dict[str, tuple[Standing, str | None]] = {}
    for name, now in played:
        if now is None:
            tally.drop(name)
            tasks.pop(name, None)
        else:
            tally.put(name, *now)
            tasks[name] = now
    assert tally.total == len(tasks)
    assert tally.standings == Counter(standing for standing, _ in tasks.values())
    assert tally.hosts == Counter(host for _, host in tasks.values() if host is not None)
    assert tally.statuses() == Counter(standing.status for standing, _ in tasks.values())
    assert tally.zones() == Counter(standing.zone for standing, _ in tasks.values() if standing.wanted)
    for checked in (False, True):
        well = all(item.status == "RUNNING" and (item.health == "HEALTHY" or not checked) for item, _ in tasks.values())
        assert tally.well(checked=checked) == well
    for protected in (False, True):
        nothing = all(
            item.wanted and item.health != "UNHEALTHY" and (protected or not item.protected) and host != "a"
            for item, host in tasks.values()
        )
        assert tally.plain(["a"], protected=protected) == nothing
        new = all(item.deployment == "new" for item, _ in tasks.values())
        assert tally.plain(["a"], "new", protected=protected) == (nothing and new)


@given(
    st.lists(plain, max_size=12, unique_by=lambda item: item.arn),
    st.integers(1, 12),
    st.sampled_from([100, 125, 200]),
    st.sampled_from([0, 50, 100]),
    st.sampled_from([1, 3, 100]),
)
def test_growth_by_counts_is_the_step_that_looks_at_every_task(
    tasks: list[ServiceTask], lacking: int, maximum: int, minimum: int, at_once: int
) -> None:
    desired = len(tasks) + lacking
    view = ServiceView(desired, tuple(tasks), minimum, maximum, at_once=at_once)
    assert grow(desired, len(tasks), maximum, at_once) == step(view)


@given(
    st.lists(plain, min_size=1, max_size=12, unique_by=lambda item: item.arn),
    st.booleans(),
    st.sampled_from([100, 200]),
    st.sampled_from([0, 50, 100]),
)
def test_rest_known_by_counts_is_the_step_that_looks_at_every_task(
    tasks: list[ServiceTask], checked: bool, maximum: int, minimum: int
) -> None:
    run = [replace(task, running_for=task.running_for or 0.0, health="HEALTHY" if checked else None) for task in tasks]
    assert settled() == step(ServiceView(len(run), tuple(run), minimum, maximum))
