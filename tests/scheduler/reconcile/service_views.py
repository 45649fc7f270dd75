"""Builds services and their tasks as the scheduler sees them; plays what follows a step."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from scheduler.reconcile.daemon import DaemonView
from scheduler.reconcile.service import Decision
from scheduler.reconcile.service_view import ServiceTask, ServiceView

LONG = 1000.0


def task(name: str = "1", *, primary: bool = True, running_for: float | None = LONG, **members: Any) -> ServiceTask:
    """A task that has been RUNNING for long."""
    return ServiceTask(f"task/{name}", primary, running_for, **members)


def crowd(count: int, name: str = "old", *, primary: bool = False, **members: Any) -> tuple[ServiceTask, ...]:
    """Several tasks, of an older deployment unless said otherwise."""
    return tuple(task(f"{name}/{index}", primary=primary, **members) for index in range(count))


def after(service: ServiceView, taken: Decision, number: int) -> ServiceView:
    """The service once the step was carried out and all that was started runs and is well; what stopped is gone."""
    stopped = {stop.task_arn for stop in taken.stops}
    well = [replace(item, running_for=LONG, health=_recovered(item), protected_for=0.0) for item in service.tasks]
    left = [item for item in well if item.arn not in stopped]
    started = [task(f"new/{number}/{index}", running_for=None) for index in range(taken.started)]
    return replace(service, tasks=(*left, *started), stopping=0, still_up=0, failing_to_start=0)


def _recovered(item: ServiceTask) -> str | None:
    return item.health if item.health != "UNKNOWN" else "HEALTHY"


tasks = st.builds(
    lambda number, **members: task(str(number), **members),
    st.integers(0, 10**9),
    primary=st.booleans(),
    running_for=st.sampled_from([None, 0.0, 39.0, LONG]),
    health=st.sampled_from([None, "HEALTHY", "UNHEALTHY", "UNKNOWN"]),
    zone=st.sampled_from("abc"),
    host=st.sampled_from(["", "1", "2"]),
    draining=st.sampled_from([False, False, True]),
    protected_for=st.sampled_from([0.0, 0.0, 0.0, 60.0]),
)
services = st.builds(
    ServiceView,
    desired=st.integers(0, 8),
    tasks=st.lists(tasks, max_size=12, unique_by=lambda item: item.arn).map(tuple),
    minimum_percent=st.sampled_from([0, 50, 75, 100]),
    maximum_percent=st.sampled_from([100, 125, 150, 200]),
    stopping=st.integers(0, 3),
    grace=st.sampled_from([0.0, 60.0]),
    at_once=st.sampled_from([1, 3, 100]),
)
daemons = st.builds(
    lambda service, hosts, lingering, emptying: DaemonView(
        replace(service, desired=len(hosts)), tuple(sorted(hosts)), frozenset(lingering - hosts), frozenset(emptying)
    ),
    services,
    st.sets(st.sampled_from(["1", "2", "3", "4"])),
    st.sets(st.sampled_from(["1", "2"])),
    st.sets(st.sampled_from(["3", "4"])),
)
