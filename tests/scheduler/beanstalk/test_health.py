"""Health: causes in AWS's words, what makes an environment worse, and which changes are told."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.basic_health import BasicHealth, BasicObservation, check
from scheduler.beanstalk.health import judge_environment, judge_instance, spoken
from scheduler.beanstalk.health_history import Checks, History, count, show
from scheduler.beanstalk.health_model import (
    BADNESS,
    Activities,
    Activity,
    Color,
    EnvironmentObservation,
    Expectation,
    HealthStatus,
    InstanceObservation,
    Judgement,
)
from scheduler.beanstalk.model import Command, Serving
from scheduler.beanstalk.request_statistics import Requests

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
V1 = Expectation("v1", 1)


def before(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


FINE = InstanceObservation(
    "i-1",
    launched_at=before(3600),
    last_seen=NOW,
    activity=Activity.DEPLOYMENT,
    command=Command.SUCCEEDED,
    command_since=before(1000),
    command_ended=before(900),
    serving=Serving.IN_SERVICE,
    deployment=1,
    version="v1",
)
NEW = InstanceObservation("i-2", launched_at=before(12))


def environment(*instances: InstanceObservation, **changes: object) -> EnvironmentObservation:
    plain = EnvironmentObservation(NOW, instances, V1, desired=len(instances), minimum=1)
    return replace(plain, **changes)  # type: ignore[arg-type] # tests name members


def five(count_of: int, **changes: object) -> tuple[InstanceObservation, ...]:
    """Five instances, some of them different."""
    return tuple(
        replace(FINE, id=f"i-{number}", **(changes if number < count_of else {}))  # type: ignore[arg-type]
        for number in range(5)
    )


@pytest.mark.parametrize(
    ("seen", "status", "cause"),
    [
        (FINE, "Ok", ""),
        (NEW, "Pending", "Performing initialization (running for 12 seconds)."),
        (
            replace(FINE, command=Command.RUNNING, command_since=before(3)),
            "Info",
            "Performing application deployment (running for 3 seconds).",
        ),
        (
            replace(FINE, command_ended=before(23), command_since=before(49)),
            "Ok",
            "Application deployment completed 23 seconds ago and took 26 seconds.",
        ),
        (
            replace(FINE, activity=Activity.INITIALIZATION, command_ended=before(12), command_since=before(252)),
            "Ok",
            "Initialization completed 12 seconds ago and took 4 minutes.",
        ),
        (
            replace(FINE, serving=Serving.WAITING, serving_since=before(37 * 60), command_ended=before(3000)),
            "Severe",
            "Instance ELB health has not been available for 37 minutes.",
        ),
        (replace(FINE, last_seen=before(37 * 60)), "NoData", "No data. Last seen 37 minutes ago."),
        (
            replace(FINE, version="v2", deployment=2),
            "Degraded",
            'Incorrect application version "v2" (deployment 2). Expected version "v1" (deployment 1).',
        ),
        (
            replace(FINE, requests=Requests({2: 85, 4: 15})),
            "Warning",
            "15% of requests are erroring with HTTP 4xx.",
        ),
        (
            replace(FINE, requests=Requests({2: 95, 5: 5})),
            "Degraded",
            "5% of the requests are failing with HTTP 5xx.",
        ),
        (replace(FINE, cpu=95.4), "Warning", "95% of CPU is in use."),
        (
            replace(FINE, command=Command.RUNNING, command_since=before(900)),
            "Warning",
            "Performing application deployment (running for 15 minutes).",
        ),
        (
            replace(FINE, command=Command.FAILED, command_ended=before(60), command_since=before(80)),
            "Degraded",
            "Application deployment failed 60 seconds ago and took 20 seconds.",
        ),
    ],
)
def test_an_instance(seen: InstanceObservation, status: str, cause: str) -> None:
    found = judge_instance(seen, V1, NOW)
    assert (found.status.value, " ".join(found.causes)) == (status, cause)


def test_what_is_no_reason() -> None:
    busy = replace(V1, busy=True)
    assert judge_instance(replace(FINE, version="v2", deployment=2), busy, NOW).status is HealthStatus.OK
    erring = replace(FINE, requests=Requests({4: 100}))
    assert judge_instance(erring, replace(V1, instance_4xx=False), NOW).status is HealthStatus.OK
    just = replace(FINE, serving=Serving.WAITING, serving_since=before(30))
    assert judge_instance(just, V1, NOW).status is HealthStatus.OK
    assert judge_instance(replace(FINE, requests=Requests({5: 4})), V1, NOW).status is HealthStatus.OK
    draining = replace(FINE, serving=Serving.OUT, serving_since=before(3000))
    assert judge_instance(draining, V1, NOW).status is HealthStatus.OK


UPDATE = Activities(Activity.UPDATE, before(20))
LAUNCH = Activities(Activity.INITIALIZATION, before(3))
RUNNING = {"command": Command.RUNNING, "command_since": before(3)}
WAITING = {"serving": Serving.WAITING, "serving_since": before(600)}


@pytest.mark.parametrize(
    ("seen", "status", "causes"),
    [
        (environment(FINE), "Ok", ""),
        (
            environment(operation=LAUNCH, desired=1),
            "Pending",
            "Initialization in progress (running for 3 seconds). There are no instances.",
        ),
        (environment(*five(5, **RUNNING), operation=UPDATE), "Info", "Command is executing on all instances."),
        (environment(*five(3, **RUNNING), operation=UPDATE), "Info", "Command is executing on 3 out of 5 instances."),
        (
            environment(FINE, operation=UPDATE),
            "Info",
            "Application update in progress (running for 20 seconds).",
        ),
        (
            environment(FINE, operation=Activities(Activity.UPDATE, before(86), before(79), failed=True)),
            "Ok",
            "Application update failed 79 seconds ago and took 7 seconds.",
        ),
        (environment(*five(5, last_seen=before(600))), "NoData", "None of the instances are sending data."),
        (environment(*five(1, running=False)), "Warning", "Impaired services on 1 out of 5 instances."),
        (environment(*five(5, **WAITING)), "Severe", "ELB health is failing or not available for all instances."),
        (
            environment(*five(0)[:4], minimum=5),
            "Degraded",
            "4 active instances is below Auto Scaling group minimum size 5.",
        ),
        (environment(*five(5, command=Command.FAILED)), "Degraded", "Command failed on all instances."),
        (
            environment(*five(2, version="v2", deployment=2)),
            "Warning",
            'Incorrect application version found on 2 out of 5 instances. Expected version "v1" (deployment 1).',
        ),
        (
            environment(*five(5, version="v2", deployment=2)),
            "Degraded",
            'Incorrect application version on environment instances. Expected version "v1" (deployment 1).',
        ),
        (
            environment(*five(5, requests=Requests({2: 80, 4: 20}))),
            "Warning",
            "20% of the requests to the ELB are erroring with HTTP 4xx.",
        ),
        (
            environment(*five(5, requests=Requests({2: 97, 5: 3}))),
            "Warning",
            "3% of the requests to the ELB are failing with HTTP 5xx.",
        ),
        (environment(*five(5, requests=Requests({4: 20})), balancer_4xx=False), "Ok", ""),
        (
            environment(FINE, operation=Activities(Activity.RESTART, before(86), before(79))),
            "Ok",
            "Application restart completed 79 seconds ago and took 7 seconds.",
        ),
        (
            environment(FINE, role="arn:role"),
            "Suspended",
            'Unable to assume role "arn:role". Verify that the role exists and is configured correctly.',
        ),
        (
            environment(FINE, dead_letters=5, waiting_messages=20, queue_seen=before(15)),
            "Warning",
            "20 messages waiting in the queue (15 seconds ago). 5 messages in Dead Letter Queue (15 seconds ago).",
        ),
        (
            environment(desired=0),
            "Unknown",
            "There are no instances. Auto Scaling group desired capacity is set to 0.",
        ),
    ],
)
def test_an_environment(seen: EnvironmentObservation, status: str, causes: str) -> None:
    found = judge_environment(seen)
    assert (found.status.value, " ".join(found.causes)) == (status, causes)


def test_an_instance_in_place_of_one_that_died_is_no_incorrect_version() -> None:
    new = replace(NEW, command=Command.RUNNING, command_since=before(10), deployment=1, running=False)
    alone = judge_environment(environment(new))
    assert (alone.status, alone.causes) == (
        HealthStatus.PENDING,
        ("Initialization in progress (running for 12 seconds).",),
    )
    beside = judge_environment(environment(new, FINE))
    assert (beside.status, beside.causes) == (HealthStatus.OK, ())


def test_durations() -> None:
    assert [spoken(seconds) for seconds in (0, 1, 79.9, 120, 7199, 7200, 190000)] == [
        "0 seconds",
        "1 second",
        "79 seconds",
        "2 minutes",
        "119 minutes",
        "2 hours",
        "2 days",
    ]


def shown(*statuses: HealthStatus, every: float = 10) -> tuple[list[HealthStatus], list[str]]:
    history, found, told = History(), [], []
    for number, status in enumerate(statuses):
        taken = show(history, Judgement(status, ("Why.",)), NOW + timedelta(seconds=number * every))
        history = taken.history
        found.append(taken.judgement.status)
        told += [taken.event.message] if taken.event else []
    return found, told


def test_one_bad_check_changes_nothing() -> None:
    ok, bad = HealthStatus.OK, HealthStatus.SEVERE
    found, told = shown(ok, bad, ok, ok, bad, ok, ok, ok, ok, ok, ok, ok)
    assert set(found) == {ok}
    assert told == ["Environment health has transitioned to Ok. Why."]


def test_three_bad_checks_in_a_minute_do_and_are_told_with_the_next_publication() -> None:
    ok, bad = HealthStatus.OK, HealthStatus.SEVERE
    found, told = shown(ok, bad, bad, bad, bad, bad, bad)
    assert found == [ok, ok, ok, bad, bad, bad, bad]
    assert told[1:] == ["Environment health has transitioned from Ok to Severe. Why."]
    assert set(shown(ok, bad, bad, bad, bad, every=31)[0]) == {ok}


def test_what_is_over_before_the_publication_is_not_told() -> None:
    ok, info = HealthStatus.OK, HealthStatus.INFO
    found, told = shown(ok, info, info, ok, ok, ok, ok)
    assert found[1] is info
    assert len(told) == 1


statuses = st.sampled_from([status for status in HealthStatus if status is not HealthStatus.SUSPENDED])


@given(st.lists(statuses, min_size=1, max_size=60))
def test_an_event_tells_of_a_change_and_never_the_same_twice(found: list[HealthStatus]) -> None:
    _, told = shown(*found)
    ends = [message.split("transitioned ")[1].split(".")[0] for message in told]
    states = [end.rsplit("to ", 1)[1] for end in ends]
    assert all(one != other for one, other in itertools.pairwise(states))
    assert all(end.startswith(f"from {state}") for end, state in zip(ends[1:], states, strict=False))
    assert len(told) <= len(found) // 6 + 1


@given(
    st.lists(st.tuples(statuses, st.booleans()), max_size=40), st.sampled_from(["Ok", "Warning", "Degraded", "Severe"])
)
def test_only_consecutive_good_checks_in_service_count(checks: list[tuple[HealthStatus, bool]], threshold: str) -> None:
    found = Checks()
    for status, in_service in checks:
        after = count(found, status, threshold, in_service=in_service)
        assert after.healthy in {0, found.healthy + 1}
        assert not (after.healthy and after.failed)
        if not in_service or (threshold == "Ok" and BADNESS.get(status, 0)):
            assert after.healthy == 0
        if threshold == "Severe":
            assert after.failed == 0
        found = after


def test_thresholds() -> None:
    assert count(Checks(11), HealthStatus.OK, "Ok", in_service=True).healthy == 12
    assert count(Checks(11), HealthStatus.WARNING, "Ok", in_service=True) == Checks(failed=1)
    assert count(Checks(11), HealthStatus.WARNING, "Warning", in_service=True).healthy == 12
    assert count(Checks(11), HealthStatus.NO_DATA, "Severe", in_service=True) == Checks()


def test_basic_health() -> None:
    good, bad = (
        BasicObservation(busy=False, in_service=1, failed=0),
        BasicObservation(busy=False, in_service=0, failed=1),
    )
    found, told = BasicHealth(), []
    for seen in (good, bad, bad, bad, replace(good, busy=True), good):
        found, said = check(found, seen)
        told.append(said.message if said else found.color)
    assert told == [
        "Environment health has been set to GREEN",
        "Environment health has transitioned from GREEN to YELLOW",
        Color.YELLOW,
        "Environment health has transitioned from YELLOW to RED",
        Color.GREY,
        "Environment health has been set to GREEN",
    ]
    assert check(BasicHealth(), replace(good, resource_missing=True))[0].color is Color.RED
