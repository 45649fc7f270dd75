"""Requests that go on while environments of a real engine swap names and change versions: none fails."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

import pytest

from tests.contract.beanstalk import Shop, bundle, option
from tests.emulator.runtime import images
from tests.generator import Answer, Requests
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300), pytest.mark.usefixtures("engine")]

BASE = "ashore-test-beanstalk-traffic:1"
DOCKERFILE = f"""FROM {BASE}
RUN mkdir -p /www && echo VERSION > /www/index.html
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "8000", "-h", "/www"]
"""
PROCESS = "aws:elasticbeanstalk:environment:process:default"
COMMAND = "aws:elasticbeanstalk:command"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
PERCENT, REQUESTS = 40, 500
RATE = 60
"""The clock's: seconds of it for each real one."""
ROLLING = {"rolling": "Rolling", "additional": "RollingWithAdditionalBatch"}
"""Environment → deployment policy."""
EVERYWHERE = (
    option(PROCESS, "HealthCheckInterval", "5"),
    option(PROCESS, "HealthCheckTimeout", "4"),
    option(PROCESS, "DeregistrationDelay", "5"),
    option(COMMAND, "Timeout", "3600"),  # the engine takes real time, of which the clock makes much
)


ENVIRONMENTS = (*ROLLING, "splitting")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Environments `rolling` and `additional` run v1, `splitting` v2."""
    images.make(BASE)
    running = RunningServer(tmp_path_factory.mktemp("traffic") / "state", runtime="docker", clock=f"x{RATE}")
    found = Shop(running)
    found.begin(*(bundle(Dockerfile=DOCKERFILE.replace("VERSION", label)) for label in ("v1", "v2", "v3")))
    for name, policy in ROLLING.items():
        policies = (
            option(COMMAND, "DeploymentPolicy", policy),
            option(COMMAND, "BatchSizeType", "Fixed"),
            option(COMMAND, "BatchSize", "1"),
        )
        found.create(name, *EVERYWHERE, *policies, option("aws:autoscaling:asg", "MinSize", "2"))
    splits = (
        option(COMMAND, "DeploymentPolicy", "TrafficSplitting"),
        option(SPLITTING, "NewVersionPercent", str(PERCENT)),
        option(SPLITTING, "EvaluationTime", "6"),
    )
    found.create("splitting", *EVERYWHERE, *splits, VersionLabel="v2")
    for name in ENVIRONMENTS:
        found.wait(name)
    yield found
    running.stop()
    images.remove(BASE)


def said(answers: Sequence[Answer]) -> Counter[str]:
    return Counter(answer.said for answer in answers)


def only_new(requests: Requests) -> bool:
    return said(requests.answers[-50:]) == {"v3": 50}


def asking(shop: Shop, name: str, threads: int = 1, pause: float = 0.01) -> Requests:
    return Requests(shop.server.port, shop.environment(name)["CNAME"], threads, pause)


def test_swapped_names_move_requests_and_none_fails(shop: Shop) -> None:
    with asking(shop, "rolling", 2) as rolling, asking(shop, "splitting", 2) as splitting:
        shop.server.wait_until(lambda: rolling.seen["v1"] >= 20 and splitting.seen["v2"] >= 20)
        shop.eb.swap_environment_cnames(SourceEnvironmentName="rolling", DestinationEnvironmentName="splitting")
        shop.server.wait_until(lambda: rolling.seen["v2"] >= 50 and splitting.seen["v1"] >= 50)
    for requests, before, after in ((rolling, "v1", "v2"), (splitting, "v2", "v1")):
        assert requests.seen.keys() == {before, after}
        assert said(requests.answers[-20:]) == {after: 20}


def test_no_request_fails_while_versions_are_rolled_out_and_shares_are_those_that_were_asked_for(shop: Shop) -> None:
    with (
        asking(shop, "rolling") as rolling,
        asking(shop, "additional") as additional,
        asking(shop, "splitting", 3, 0.005) as splitting,
    ):
        for name in ENVIRONMENTS:
            shop.eb.update_environment(EnvironmentName=name, VersionLabel="v3")
        shop.server.wait_until(lambda: splitting.seen["v3"] > 0, 120)
        began = len(splitting.answers)
        shop.server.admin(
            "POST", "clock", {"rate": 1}
        )  # so many requests fit into the evaluation of the slowest machine
        shop.server.wait_until(lambda: len(splitting.answers) >= began + REQUESTS, 120)
        shop.server.admin("POST", "clock", {"rate": RATE})
        for name in ENVIRONMENTS:
            assert shop.wait(name)["VersionLabel"] == "v3", shop.messages(name)
        for one in (rolling, additional, splitting):
            shop.server.wait_until(partial(only_new, one))
    assert [one.seen.keys() for one in (rolling, additional)] == [{"v1", "v3"}] * 2
    assert splitting.seen.keys() == {"v2", "v3"}
    both = Counter(answer.said for answer in splitting.answers[began : began + REQUESTS])
    assert 100 * both["v3"] / REQUESTS == pytest.approx(PERCENT, abs=5)
    events = shop.eb.describe_events(EnvironmentName="rolling", MaxRecords=100)["Events"]
    registered, completed = (
        next(event["EventDate"] for event in events if text in event["Message"])
        for text in ("Batch 1: Registering instance", "Batch 1: Completed application deployment.")
    )
    # two minutes of the clock for good checks; the engine takes real time beside, of which the clock makes much
    assert timedelta(minutes=1.5) < completed - registered < timedelta(minutes=20)
