"""Rules of DAEMON services: one task on every host that fits, none elsewhere."""

from collections import Counter
from dataclasses import replace

from hypothesis import given

from scheduler.reconcile.daemon import DaemonView, step
from scheduler.reconcile.service import Start, Stop, Why
from scheduler.reconcile.service_view import ServiceView
from tests.scheduler.reconcile.service_views import after, daemons, task


def on(*hosts: str, tasks: tuple[object, ...] = (), minimum: int = 0, **members: frozenset[str]) -> DaemonView:
    """A DAEMON service of these hosts."""
    return DaemonView(ServiceView(len(hosts), tasks, minimum, 100), hosts, **members)  # type: ignore[arg-type]  # tasks


@given(daemons)
def test_never_a_second_task_on_a_host(view: DaemonView) -> None:
    taken = step(view)
    hosts = Counter(host for action in taken.actions if isinstance(action, Start) for host in action.hosts)
    assert set(hosts.values()) <= {1}
    assert not hosts.keys() & {item.host for item in view.service.tasks}
    assert not hosts.keys() & view.emptying
    assert hosts.keys() <= set(view.hosts)


@given(daemons)
def test_never_below_the_healthy_minimum_by_a_deployment(view: DaemonView) -> None:
    service = view.service
    stopped = {stop.task_arn for stop in step(view).stops if stop.why is Why.REPLACED}
    placed = [item for item in service.tasks if item.host in view.hosts and service.healthy(item)]
    hosts_before = {item.host for item in placed}
    left = {item.host for item in placed if item.arn not in stopped}
    assert len(left) >= min(len(hosts_before), service.minimum_healthy)


@given(daemons)
def test_a_protected_task_is_never_replaced_by_a_deployment(view: DaemonView) -> None:
    held = {item.arn for item in view.service.tasks if item.held}
    assert not any(stop.task_arn in held for stop in step(view).stops if stop.why is Why.REPLACED)


@given(daemons)
def test_steady_is_said_only_of_one_healthy_task_on_every_host(view: DaemonView) -> None:
    taken = step(view)
    if taken.steady:
        inside = [item for item in view.service.tasks if item.host not in view.lingering]
        assert sorted(item.host for item in inside) == sorted(view.hosts)
        assert all(item.primary and view.service.healthy(item) for item in inside if item.host in view.hosts)


@given(daemons)
def test_every_daemon_service_becomes_steady_unless_its_minimum_leaves_no_way(view: DaemonView) -> None:
    view = replace(view, lingering=frozenset(), emptying=frozenset())
    for number in range(60):
        taken = step(view)
        if taken.steady:
            return
        if taken.blocked:
            assert view.service.minimum_healthy >= len(view.hosts)
            return
        hosts = [host for action in taken.actions if isinstance(action, Start) for host in action.hosts]
        service = after(view.service, taken, number)
        started = iter(hosts)
        placed = tuple(
            replace(item, host=next(started)) if item.arn.startswith(f"task/new/{number}/") else item
            for item in service.tasks
        )
        view = replace(view, service=replace(service, tasks=placed))
    raise AssertionError(view)


def test_every_host_gets_one_and_a_new_host_too() -> None:
    assert step(on("a", "b")).actions == (Start(2, hosts=("a", "b")),)
    assert step(on("a", "b", tasks=(task("1", host="a"),))).actions == (Start(1, hosts=("b",)),)


def test_the_old_goes_before_the_new_comes() -> None:
    old = tuple(task(host, host=host, primary=False) for host in "ab")
    assert [stop.why for stop in step(on("a", "b", tasks=old)).stops] == [Why.REPLACED] * 2
    assert len(step(on("a", "b", tasks=old, minimum=50)).stops) == 1
    assert step(on("a", "b", tasks=old[1:], emptying=frozenset("a"))).started == 0
    assert step(on("a", "b", tasks=old[1:], minimum=50)).actions == (Start(1, hosts=("a",)),)
    assert step(on("a", "b", tasks=old, minimum=100)).blocked


def test_what_stands_elsewhere_goes_and_draining_hosts_keep_theirs_to_the_last() -> None:
    away = task("away", host="c")
    leaving = task("leaving", host="d", draining=True)
    assert step(on(tasks=(away,))).actions == (Stop("task/away", Why.MISPLACED),)
    assert step(on(tasks=(leaving,), lingering=frozenset("d"))).actions == ()
    assert step(on(tasks=(leaving,))).actions == (Stop("task/leaving", Why.DRAINING),)


def test_a_failing_daemon_makes_room_for_its_successor() -> None:
    ill = task("ill", host="a", health="UNHEALTHY")
    assert step(on("a", tasks=(ill,))).actions == (Stop("task/ill", Why.UNHEALTHY),)
