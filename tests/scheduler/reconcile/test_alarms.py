"""Alarms give deployments up only for what came after their beginning."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.alarms import Alarm, alarming, bake, triggered

alarms = st.lists(
    st.builds(Alarm, st.sampled_from("abcdef"), alarming=st.booleans(), looks_back=st.floats(0, 3600)),
    unique_by=lambda alarm: alarm.name,
)


@given(alarms, st.sets(st.sampled_from("abcdef")))
def test_what_alarmed_before_never_triggers(found: list[Alarm], before: set[str]) -> None:
    assert not set(triggered(found, before)) & before
    assert set(triggered(found, before)) <= alarming(found)


@given(alarms)
def test_without_anything_before_every_alarm_triggers(found: list[Alarm]) -> None:
    assert set(triggered(found, ())) == alarming(found)


@given(alarms)
def test_no_alarm_is_left_before_it_has_judged(found: list[Alarm]) -> None:
    assert all(bake(found) >= alarm.looks_back for alarm in found)
