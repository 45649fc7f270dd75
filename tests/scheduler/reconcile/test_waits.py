"""What a service waits for is told whenever it is not steady, and only then."""

from hypothesis import given

from scheduler.reconcile.service import step
from scheduler.reconcile.service_view import ServiceView
from scheduler.reconcile.waits import waits
from tests.scheduler.reconcile.service_views import crowd, services, task


@given(services)
def test_a_service_that_is_not_steady_never_waits_for_nothing(service: ServiceView) -> None:
    taken = step(service)
    assert taken.steady or taken.actions or taken.more or waits(service)


def test_a_steady_service_waits_for_nothing() -> None:
    assert waits(ServiceView(2, crowd(2, primary=True))) == ()


def test_a_rolling_update_in_words() -> None:
    young = task("new", running_for=10.0)
    assert waits(ServiceView(2, (*crowd(2), young), stopping=1)) == (
        "1 task is missing (2 are desired).",
        "1 of the new tasks run for less than 40 s; they count in 30 s.",
        "2 tasks are of an older deployment; at least 2 must stay healthy.",
        "1 task is stopping.",
    )


def test_what_keeps_tasks_from_going_or_coming() -> None:
    assert waits(ServiceView(1, (task(protected_for=90.0), task("2")), may_start=False)) == (
        "1 task is protected, the last for 90 s.",
        "Starts are held back.",
    )
    ill = (task("ill", health="UNHEALTHY"), task("new", running_for=None), task("3", health="UNKNOWN"))
    assert waits(ServiceView(3, ill)) == (
        "1 task is not RUNNING yet.",
        "1 task has not answered its health check yet.",
        "1 task fails its health checks.",
    )
