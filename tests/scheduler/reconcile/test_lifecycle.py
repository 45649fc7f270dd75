"""A task's life: it goes forward only, starts what may start, and always ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.lifecycle import (
    Command,
    ContainerView,
    GivenUp,
    Step,
    TaskStatus,
    TaskView,
    Verb,
    step,
    task_health,
)

containers = st.lists(
    st.builds(
        ContainerView,
        name=st.sampled_from("abcd"),
        status=st.sampled_from(["PENDING", "RUNNING", "STOPPED"]),
        essential=st.booleans(),
        busy=st.booleans(),
        failure=st.sampled_from([None, None, "CannotPullContainerError: x"]),
        exit_code=st.sampled_from([None, 0, 1]),
        health=st.sampled_from([None, "HEALTHY", "UNHEALTHY", "UNKNOWN"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda container: container.name,
).map(tuple)
tasks = st.builds(
    TaskView,
    status=st.sampled_from(TaskStatus),
    stopping=st.booleans(),
    containers=containers,
    needs_network=st.booleans(),
    has_network=st.booleans(),
    busy=st.booleans(),
    removed=st.booleans(),
)
ORDER = list(TaskStatus)


@given(tasks)
def test_a_task_never_goes_back(task: TaskView) -> None:
    found = step(task)
    assert found.status is None or ORDER.index(found.status) > ORDER.index(task.status)


@given(tasks)
def test_nothing_is_started_once_the_task_is_to_stop(task: TaskView) -> None:
    if task.stopping:
        assert all(command.verb in {Verb.STOP, Verb.REMOVE} for command in step(task).commands)


@given(tasks)
def test_it_is_running_only_while_every_essential_container_runs(task: TaskView) -> None:
    if step(task).status is TaskStatus.RUNNING:
        assert all(container.status == "RUNNING" for container in task.containers if container.essential)


@given(tasks)
def test_busy_containers_are_left_alone(task: TaskView) -> None:
    busy = {container.name for container in task.containers if container.busy}
    assert not busy & {command.container for command in step(task).commands}


@given(tasks)
def test_a_task_told_to_stop_ends_stopped(task: TaskView) -> None:
    task = replace(task, stopping=True, busy=False, containers=tuple(replace(c, busy=False) for c in task.containers))
    for _ in range(20):
        if task.status is TaskStatus.STOPPED:
            return
        found = step(task)
        stopped = {command.container for command in found.commands if command.verb is Verb.STOP}
        task = replace(
            task,
            status=found.status or task.status,
            removed=task.removed or Command(Verb.REMOVE) in found.commands,
            containers=tuple(replace(c, status="STOPPED") if c.name in stopped else c for c in task.containers),
        )
    pytest.fail(f"it never stopped: {task}")


def chain(condition: str, first: ContainerView) -> Step:
    second = ContainerView("second", "PENDING", depends_on=(("first", condition),))
    return step(TaskView(TaskStatus.PENDING, stopping=False, containers=(first, second)))


@pytest.mark.parametrize(
    ("condition", "first", "starts"),
    [
        ("START", ContainerView("first", "PENDING", busy=True), False),
        ("START", ContainerView("first", "RUNNING"), True),
        ("COMPLETE", ContainerView("first", "RUNNING", essential=False), False),
        ("COMPLETE", ContainerView("first", "STOPPED", essential=False, exit_code=1), True),
        ("SUCCESS", ContainerView("first", "STOPPED", essential=False, exit_code=0), True),
        ("HEALTHY", ContainerView("first", "RUNNING", health="UNKNOWN"), False),
        ("HEALTHY", ContainerView("first", "RUNNING", health="HEALTHY"), True),
    ],
)
def test_depends_on(condition: str, first: ContainerView, starts: bool) -> None:
    assert (Command(Verb.RUN, "second") in chain(condition, first).commands) is starts


def test_a_dependency_that_can_never_be_met_stops_the_task() -> None:
    failed = ContainerView("first", "STOPPED", essential=False, exit_code=1)
    found = chain("SUCCESS", failed)
    assert found.stop == ("TaskFailedToStart", "Task failed to start")
    reason = (
        "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [first] "
        "for target [second] as dependency did not exit successfully."
    )
    assert found.given_up == (GivenUp("second", reason, 143),)


TIMED_OUT = "dependency graph: container ordering dependency [first] for target [second] has timed out."
FIRST = ContainerView("first", "RUNNING", essential=False, start_timeout=10, running_for=4)


@pytest.mark.parametrize("condition", ["COMPLETE", "SUCCESS", "HEALTHY"])
@pytest.mark.parametrize("health", ["UNKNOWN", "UNHEALTHY"])
def test_a_dependency_is_waited_for_until_its_start_timeout(condition: str, health: str) -> None:
    """UNHEALTHY may become HEALTHY: the agent waits on."""
    first = replace(FIRST, health=health)
    assert chain(condition, first) == Step(look_again=6)
    found = chain(condition, replace(first, running_for=10))
    assert found.stop == ("TaskFailedToStart", "Task failed to start")
    assert found.given_up == (GivenUp("second", f"CannotStartContainerError: {TIMED_OUT}", 143),)


@pytest.mark.parametrize(
    ("condition", "first"),
    [
        ("START", replace(FIRST, running_for=11)),
        ("HEALTHY", replace(FIRST, running_for=11, health="HEALTHY")),
        ("COMPLETE", replace(FIRST, status="STOPPED", running_for=11, exit_code=1)),
        ("SUCCESS", replace(FIRST, status="STOPPED", running_for=11, exit_code=0)),
    ],
)
def test_what_has_come_about_does_not_time_out(condition: str, first: ContainerView) -> None:
    found = chain(condition, first)
    assert (found.commands, found.given_up) == ((Command(Verb.RUN, "second"),), ())


@pytest.mark.parametrize("timeout", [None, 0])
def test_without_a_start_timeout_a_dependency_is_waited_for_without_end(timeout: float | None) -> None:
    first = replace(FIRST, start_timeout=timeout, running_for=1e6)
    assert chain("COMPLETE", first) == Step()


def test_a_container_that_is_being_started_is_not_given_up() -> None:
    second = ContainerView("second", "PENDING", busy=True, depends_on=(("first", "HEALTHY"),))
    sick = replace(FIRST, running_for=11, health="UNHEALTHY")
    assert step(TaskView(TaskStatus.PENDING, stopping=False, containers=(sick, second))) == Step()


def test_what_waits_for_a_container_that_never_starts_never_starts_either() -> None:
    gone = ContainerView("first", "STOPPED", essential=False, exit_code=143, never_started=True)
    reason = (
        "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [first] "
        "for target [second] because dependency will never start"
    )
    for condition in ("START", "COMPLETE", "SUCCESS", "HEALTHY"):
        assert chain(condition, gone).given_up == (GivenUp("second", reason, 143),)


def test_only_an_essential_container_that_never_starts_stops_the_task() -> None:
    main = ContainerView("main", "RUNNING")
    side = ContainerView("second", "PENDING", essential=False, depends_on=(("first", "COMPLETE"),))
    task = TaskView(TaskStatus.PENDING, stopping=False, containers=(main, replace(FIRST, running_for=10), side))
    found = step(task)
    assert (found.stop, [gone.container for gone in found.given_up]) == (None, ["second"])
    broken = replace(side, depends_on=(), failure="CannotPullContainerError: x")
    found = step(replace(task, containers=(main, broken)))
    assert (found.stop, found.given_up) == (None, (GivenUp("second", "CannotPullContainerError: x"),))
    assert step(replace(task, containers=(main, broken), whole=True)).stop is not None
    assert step(replace(task, containers=(main, replace(broken, essential=True)))).stop is not None


@st.composite
def ordered(draw: st.DrawFn) -> TaskView:
    """A task whose containers wait for earlier ones, in any state that they may have come to."""
    views: list[ContainerView] = []
    for container in draw(containers):
        names = st.sampled_from([view.name for view in views]) if views else st.nothing()
        edges = st.tuples(names, st.sampled_from(["START", "COMPLETE", "SUCCESS", "HEALTHY"]))
        waits = tuple(draw(st.lists(edges, max_size=2, unique_by=lambda edge: edge[0]))) if views else ()
        runs = container.status == "RUNNING"
        view = replace(
            container,
            depends_on=waits,
            start_timeout=draw(st.sampled_from([None, 0, 5])),
            running_for=draw(st.floats(0, 10)) if runs else None,
            never_started=container.status == "STOPPED" and draw(st.booleans()),
        )
        views.append(view)
    return TaskView(TaskStatus.PENDING, stopping=False, containers=tuple(views))


@given(ordered())
def test_what_is_given_up_waited_idle_and_stops_only_what_is_essential(task: TaskView) -> None:
    found, by_name = step(task), {container.name: container for container in task.containers}
    for gone in found.given_up:
        container = by_name[gone.container]
        assert (container.status, container.busy) == ("PENDING", False)
        assert gone.reason == container.failure or gone.reason.startswith("CannotStartContainerError: dependency graph")
    needed = [view for view in task.containers if view.essential]
    given_up = {gone.container for gone in found.given_up}
    stops = any(view.status == "STOPPED" or view.failure or view.name in given_up for view in needed)
    assert (found.stop is not None) is stops


@given(ordered())
def test_patience_ends_when_the_time_has_passed_and_not_before(task: TaskView) -> None:
    found = step(task)
    if found.look_again is None:
        return
    assert found.look_again > 0

    def later(seconds: float) -> Step:
        return step(
            replace(
                task,
                containers=tuple(
                    replace(view, running_for=view.running_for + seconds) if view.running_for is not None else view
                    for view in task.containers
                ),
            )
        )

    assert later(found.look_again / 2).given_up == ()
    assert later(found.look_again + 1e-6).given_up


@given(ordered())
def test_giving_up_comes_to_an_end(task: TaskView) -> None:
    for _ in range(len(task.containers) + 1):
        found = step(task)
        gone = {each.container: each.exit_code for each in found.given_up}
        if found.stop is not None or not gone:
            return
        given_up = (
            replace(view, status="STOPPED", exit_code=gone[view.name], never_started=True)
            if view.name in gone
            else view
            for view in task.containers
        )
        task = replace(task, containers=tuple(given_up))
    pytest.fail(f"more was given up than there is: {task}")


def test_containers_run_on_while_requests_are_under_way_to_them() -> None:
    task = TaskView(TaskStatus.RUNNING, True, (ContainerView("web", "RUNNING"),), draining=True)
    assert step(task) == Step(TaskStatus.DEACTIVATING)
    task = replace(task, status=TaskStatus.DEACTIVATING)
    assert step(task) == Step()
    assert step(replace(task, draining=False)).commands == (Command(Verb.STOP, "web"),)
    assert step(replace(task, containers=(ContainerView("web", "STOPPED"),))).commands == (Command(Verb.REMOVE),)


def test_containers_stop_in_reverse_order() -> None:
    first = ContainerView("first", "RUNNING")
    second = ContainerView("second", "RUNNING", depends_on=(("first", "START"),))
    found = step(TaskView(TaskStatus.RUNNING, stopping=True, containers=(first, second)))
    assert found.commands == (Command(Verb.STOP, "second"),)


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ([None], "UNKNOWN"),
        (["HEALTHY", None], "HEALTHY"),
        (["HEALTHY", "UNKNOWN"], "UNKNOWN"),
        (["UNKNOWN", "UNHEALTHY"], "UNHEALTHY"),
    ],
)
def test_task_health(healths: list[str | None], expected: str) -> None:
    views = tuple(ContainerView(str(i), "RUNNING", health=health) for i, health in enumerate(healths))
    assert task_health(views) == expected
