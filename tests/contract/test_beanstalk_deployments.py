"""Deployment policies by boto3 on the simulated runtime, logs, and what a killed server does with what it was busy with."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, option
from tests.running import RunningServer

COMMAND = "aws:elasticbeanstalk:command"
GROUP = "aws:autoscaling:asg"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
SUCCEEDED = "Environment update completed successfully."
POLICIES = ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    running = RunningServer(tmp_path_factory.mktemp("deploying") / "state", runtime="simulated", clock="paused")
    found = Shop(running)
    found.begin()
    found.create("shop-prod", option(GROUP, "MinSize", "2"), CNAMEPrefix="shop")
    found.until("shop-prod")
    yield found
    running.stop()


def other_version(shop: Shop) -> str:
    """A version that the environment does not have."""
    return "v2" if shop.environment("shop-prod")["VersionLabel"] == "v1" else "v1"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_version_reaches_every_instance_by_each_policy(shop: Shop, policy: str) -> None:
    label = other_version(shop)
    before = set(shop.instances("shop-prod"))
    begun = shop.eb.update_environment(
        EnvironmentName="shop-prod",
        VersionLabel=label,
        OptionSettings=[
            option(COMMAND, "DeploymentPolicy", policy),
            option(COMMAND, "BatchSize", "50"),
            option(SPLITTING, "EvaluationTime", "3"),
        ],
    )
    found = shop.until("shop-prod")
    assert found["VersionLabel"] == label, shop.messages("shop-prod", begun)
    assert shop.messages("shop-prod", begun)[-1] == SUCCEEDED
    after = set(shop.instances("shop-prod"))
    assert len(after) == 2
    assert (after == before) is (policy in POLICIES[:3]) or policy == "RollingWithAdditionalBatch"
    assert {shop.get(found["CNAME"])[1].split()[-1] for _ in range(4)} == {label}


def test_a_split_sends_its_percent_to_the_new_version(shop: Shop) -> None:
    label = other_version(shop)
    shop.eb.update_environment(
        EnvironmentName="shop-prod",
        VersionLabel=label,
        OptionSettings=[
            option(COMMAND, "DeploymentPolicy", "TrafficSplitting"),
            option(SPLITTING, "NewVersionPercent", "15"),
            option(SPLITTING, "EvaluationTime", "10"),
        ],
    )
    cname = shop.environment("shop-prod")["CNAME"]

    def splits() -> bool:
        return any(shop.get(cname)[1].split()[-1] == label for _ in range(20))

    shop.until_true("shop-prod", lambda _found: splits())
    seen = Counter(shop.get(cname)[1].split()[-1] for _ in range(100))
    assert seen[label] == 15
    shop.eb.abort_environment_update(EnvironmentName="shop-prod")
    found = shop.until("shop-prod")
    assert found["VersionLabel"] != label
    assert {shop.get(cname)[1].split()[-1] for _ in range(20)} == {found["VersionLabel"]}


def waits_for(shop: Shop) -> str:
    """What the environment's operation waits for, in words."""
    told = shop.server.admin("GET", "explain?target=shop-prod")["text"]
    return next((line.strip() for line in told.splitlines() if "waits for" in line), "")


def walk(shop: Shop) -> Iterator[str]:
    """Let time pass until the environment is Ready, by small steps; gives each new thing that its operation waits for."""
    seen = ""
    for _ in range(400):
        if shop.environment("shop-prod")["Status"] == "Ready":
            return
        if (now := waits_for(shop)) != seen:
            seen = now
            yield now
        shop.advance(2)
    raise AssertionError(shop.messages("shop-prod")[-5:])


def begin_update(shop: Shop, policy: str, label: str) -> Any:
    """UpdateEnvironment to a version by a policy, in batches of one."""
    return shop.eb.update_environment(
        EnvironmentName="shop-prod",
        VersionLabel=label,
        OptionSettings=[
            option(COMMAND, "DeploymentPolicy", policy),
            option(COMMAND, "BatchSize", "50"),
            option(SPLITTING, "EvaluationTime", "3"),
        ],
    )


def assert_whole(shop: Shop, label: str) -> None:
    """Two instances in one group, all with this version, and no more."""
    resources = shop.eb.describe_environment_resources(EnvironmentName="shop-prod")["EnvironmentResources"]
    assert (len(resources["Instances"]), len(resources["AutoScalingGroups"])) == (2, 1)
    groups = shop.server.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [group["AutoScalingGroupName"] for group in groups] == [resources["AutoScalingGroups"][0]["Name"]]
    found = shop.environment("shop-prod")
    assert found["VersionLabel"] == label
    assert {shop.get(found["CNAME"])[1].split()[-1] for _ in range(4)} == {label}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("policy", "stages"),
    [
        ("AllAtOnce", {"command to end"}),
        ("Rolling", {"out of service", "command to end", "batch to be healthy"}),
        ("RollingWithAdditionalBatch", {"additional instances to be healthy", "out of service", "command to end"}),
        ("Immutable", {"new instances to carry it out", "new instances to be healthy"}),
        ("TrafficSplitting", {"carry it out", "10 %", "evaluation time", "100 %", "old instances to go"}),
    ],
)
def test_a_server_killed_at_each_stage_carries_a_deployment_on(shop: Shop, policy: str, stages: set[str]) -> None:
    label = other_version(shop)
    begun = begin_update(shop, policy, label)
    killed_at = []
    for wait in walk(shop):
        killed_at.append(wait)
        shop.server.kill()
        shop.server.start()
    assert not {stage for stage in stages if not any(stage in wait for wait in killed_at)}, killed_at
    said = shop.messages("shop-prod", begun)
    assert said[-1] == SUCCEEDED, said
    assert said.count(SUCCEEDED) == said.count("Environment update is starting.") == 1
    assert_whole(shop, label)


def killed_until(shop: Shop, name: str, status: str) -> None:
    """Kill the server and let a little time pass, again and again, until the environment has a status."""
    for _ in range(20):
        shop.server.kill()
        shop.server.start()
        if shop.environment(name)["Status"] == status:
            return
        shop.advance(5)
    raise AssertionError(shop.messages(name)[-5:])


@pytest.mark.timeout(300)
def test_a_server_killed_again_and_again_makes_and_removes_an_environment_once(shop: Shop) -> None:
    elbv2, scaling = shop.server.client("elbv2"), shop.server.client("autoscaling")
    before = len(elbv2.describe_load_balancers()["LoadBalancers"])
    begun = shop.create("shop-next", CNAMEPrefix="shop-next")
    killed_until(shop, "shop-next", "Ready")
    said = shop.messages("shop-next", begun)
    assert said[-1] == "Successfully launched environment: shop-next"
    assert len(set(said)) == len(said) == 18, said  # as many as without a kill
    assert shop.get(shop.environment("shop-next")["CNAME"])[0] == 200
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == before + 1
    ended = shop.eb.terminate_environment(EnvironmentName="shop-next")
    killed_until(shop, "shop-next", "Terminated")
    said = shop.messages("shop-next", ended)
    assert (said[0], said[-1]) == ("terminateEnvironment is starting.", "terminateEnvironment completed successfully.")
    assert len(set(said)) == len(said), said
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == before
    assert len(scaling.describe_auto_scaling_groups()["AutoScalingGroups"]) == 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stage", [1, 3])
@pytest.mark.parametrize("policy", POLICIES[1:])
def test_an_update_that_is_aborted_leaves_the_version_before(shop: Shop, policy: str, stage: int) -> None:
    before = shop.environment("shop-prod")["VersionLabel"]
    begun = begin_update(shop, policy, other_version(shop))
    aborted = False
    for number, _ in enumerate(walk(shop)):
        if number >= stage and shop.environment("shop-prod")["AbortableOperationInProgress"]:
            shop.eb.abort_environment_update(EnvironmentName="shop-prod")
            aborted = True
            break
    assert aborted
    shop.until("shop-prod")
    said = shop.messages("shop-prod", begun)
    assert SUCCEEDED not in said
    if policy in POLICIES[3:]:
        assert_whole(shop, before)
    else:  # instances of the batches that had ended keep the new version, as is told
        assert said[-1].startswith("During an aborted deployment, some instances may have deployed the new"), said
        assert (shop.environment("shop-prod")["VersionLabel"], len(shop.instances("shop-prod"))) == (before, 2)
        begin_update(shop, "AllAtOnce", before)
        shop.until("shop-prod")
        assert_whole(shop, before)


def test_logs_are_pulled_and_gone_after_fifteen_minutes(shop: Shop) -> None:
    for kind in ("tail", "bundle"):
        begun = shop.eb.request_environment_info(EnvironmentName="shop-prod", InfoType=kind)
        shop.advance(0)
        assert shop.messages("shop-prod", begun)[-1] == "Pulled logs for environment instances."
        found = shop.eb.retrieve_environment_info(EnvironmentName="shop-prod", InfoType=kind)["EnvironmentInfo"]
        assert {item["Ec2InstanceId"] for item in found} == set(shop.instances("shop-prod"))
        body = shop.fetch(found[-1]["Message"])
        if kind == "tail":
            assert b"/var/log/eb-engine.log" in body
            assert b"Instance deployment completed successfully." in body
        else:
            assert "var/log/eb-engine.log" in zipfile.ZipFile(io.BytesIO(body)).namelist()
    shop.advance(901)
    assert shop.eb.retrieve_environment_info(EnvironmentName="shop-prod", InfoType="tail")["EnvironmentInfo"] == []
    listed = shop.server.client("s3").list_objects_v2(Bucket="elasticbeanstalk-us-east-1-000000000000")
    assert not [item["Key"] for item in listed.get("Contents", []) if "/logs/" in item["Key"]]
