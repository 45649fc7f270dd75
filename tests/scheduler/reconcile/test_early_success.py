"""Early success: enough healthy tasks of the new revision, whatever the old ones do."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.early_success import EarlySuccess
from scheduler.reconcile.service_view import ServiceTask, ServiceView

tasks = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["HEALTHY", "UNHEALTHY", "UNKNOWN"]), st.none() | st.floats(0, 1000)),
    max_size=12,
)


def view(*found: tuple[bool, str, float | None], desired: int = 4) -> ServiceView:
    rows = (
        ServiceTask(str(number), primary, running, health) for number, (primary, health, running) in enumerate(found)
    )
    return ServiceView(desired, tuple(rows))


def test_half_of_the_tasks_are_rounded_up_and_old_tasks_do_not_count() -> None:
    half = EarlySuccess(50, waits_for_cleanup=False)
    new, old = (True, "HEALTHY", 1.0), (False, "HEALTHY", 1.0)
    assert not half.reached(view(new, new, old, old, desired=5), 5, cleaned_up=False)
    assert half.reached(view(new, new, new, old, desired=5), 5, cleaned_up=False)
    assert not EarlySuccess(50, waits_for_cleanup=True).reached(view(new, new, new, old), 5, cleaned_up=False)
    assert EarlySuccess(50, waits_for_cleanup=True).reached(view(new, new, new), 5, cleaned_up=True)


@given(tasks, st.integers(0, 12), st.integers(0, 100), st.booleans(), st.booleans())
def test_success_never_comes_with_fewer_healthy_tasks_than_the_percentage(
    found: list[tuple[bool, str, float | None]], desired: int, percent: int, waits: bool, cleaned_up: bool
) -> None:
    healthy = sum(primary and health == "HEALTHY" and running is not None for primary, health, running in found)
    if EarlySuccess(percent, waits).reached(view(*found, desired=desired), desired, cleaned_up=cleaned_up):
        assert healthy * 100 >= desired * percent
        assert cleaned_up or not waits
