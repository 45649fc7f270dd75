"""A task's life: it goes forward only, starts what may start, and always ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.lifecycle import (
    Command,
    ContainerView,
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
    assert found.unmet == (("second", reason),)


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
