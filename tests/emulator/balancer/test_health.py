"""States of targets: the thresholds by play, and what must hold of any sequence of checks."""

from hypothesis import given
from hypothesis import strategies as st

from emulator.balancer.health import (
    CHECKING,
    REGISTERING,
    Facts,
    Health,
    Mismatch,
    Outcome,
    Passed,
    Refused,
    State,
    TimedOut,
    accepts,
    look,
    step,
)
from emulator.balancer.model import HealthCheck

CHECK = HealthCheck(healthy_threshold=3, unhealthy_threshold=2)
outcomes = st.sampled_from([Passed(), Mismatch(500), TimedOut(), Refused()])
checks = st.builds(HealthCheck, healthy_threshold=st.integers(2, 10), unhealthy_threshold=st.integers(2, 10))


def play(*found: Outcome, check: HealthCheck = CHECK, health: Health = CHECKING) -> Health:
    for outcome in found:
        health = step(health, outcome, check)
    return health


def test_a_new_target_is_healthy_after_its_first_success() -> None:
    assert look(REGISTERING, Facts()) == CHECKING
    assert play(Passed()).state is State.HEALTHY
    assert play(Refused(), Passed()).state is State.HEALTHY


def test_thresholds_count_afterwards() -> None:
    assert play(Passed(), Refused()).state is State.HEALTHY
    down = play(Passed(), Refused(), Mismatch(503))
    assert (down.state, down.reason) == (State.UNHEALTHY, "Target.ResponseCodeMismatch")
    assert down.description == "Health checks failed with these codes: [503]"
    assert play(Passed(), Passed(), health=down).state is State.UNHEALTHY
    assert play(Passed(), Refused(), Passed(), Passed(), health=down).state is State.UNHEALTHY
    assert play(Passed(), Passed(), Passed(), health=down).state is State.HEALTHY


def test_reasons_follow_the_last_check() -> None:
    assert play(Refused(), Refused()).reason == "Target.FailedHealthChecks"
    assert play(Refused(), Refused(), TimedOut()).description == "Request timed out"


def test_what_is_not_used_is_not_checked() -> None:
    well = play(Passed())
    assert look(well, Facts(in_use=False)).reason == "Target.NotInUse"
    assert look(well, Facts(zone_enabled=False)).description == (
        "Target is in an Availability Zone that is not enabled for the load balancer"
    )
    assert look(well, Facts(instance_state="stopped")).description == "Target is in the stopped state"
    assert look(well, Facts(checks_enabled=False)).state is State.UNAVAILABLE
    assert look(look(well, Facts(in_use=False)), Facts()) == CHECKING
    assert look(well, Facts(instance_state="running")) == well


@given(st.lists(outcomes, max_size=30), checks)
def test_no_state_without_its_evidence(found: list[Outcome], check: HealthCheck) -> None:
    health = play(*found, check=check)
    if health.state is State.HEALTHY:
        assert Passed() in found
        assert health.fails < check.unhealthy_threshold
    if health.state is State.UNHEALTHY:
        assert health.reason is not None
        assert health.passes < check.healthy_threshold
    if health.state is State.INITIAL:
        assert len(found) < check.unhealthy_threshold


@given(st.lists(outcomes, max_size=10), checks)
def test_enough_of_the_same_always_decides(found: list[Outcome], check: HealthCheck) -> None:
    health = play(*found, check=check)
    assert play(*[Passed()] * check.healthy_threshold, check=check, health=health).state is State.HEALTHY
    assert play(*[TimedOut()] * check.unhealthy_threshold, check=check, health=health).state is State.UNHEALTHY


def test_matchers() -> None:
    assert accepts("200", 200)
    assert not accepts("200", 201)
    assert accepts("200,202", 202)
    assert accepts("200-299, 404", 404)
    assert not accepts("200-299", 300)
